"""Contracts: what each return is called, where its tables are, what it means and when it is due.

A contract is data (`contracts/returns/*.yaml`); :mod:`contracts.model` is the shape that it must have.
"""
