"""Readers: bytes in, cells with their addresses out. They know of no return and of no contract."""
