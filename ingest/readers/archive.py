"""Zip archives from outside: every limit is checked before and while a member is unpacked."""

import lzma
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from ledger.home import Settings

_READ_BYTES = 1024 * 1024
_SMALL = 16 * 1024 * 1024


# What reading a damaged archive raises.
BROKEN = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error),
    *(NotImplementedError, RuntimeError, EOFError, OSError, ValueError, OverflowError),
)
_DRIVE = re.compile(r"[A-Za-z]:")


class HostileArchiveError(Exception):
    """The archive must not be unpacked; the message says why, for people."""


@dataclass(frozen=True)
class Member:
    """One file in an archive; `path` is its place there, checked to stay inside it."""

    path: PurePosixPath
    info: zipfile.ZipInfo


def list_members(archive: zipfile.ZipFile, packed_bytes: int, settings: Settings) -> list[Member]:
    """The files of an archive, in its order. Raises :class:`HostileArchiveError` on the first reason not to unpack."""
    infos = [info for info in archive.infolist() if not info.is_dir()]
    if not infos:
        raise HostileArchiveError("it holds no file")
    if len(infos) > settings.max_archive_members:
        raise HostileArchiveError(
            f"it holds {len(infos):,} files, more than the {settings.max_archive_members:,} that are taken at once"
        )
    declared = sum(info.file_size for info in infos)
    ratio = declared / max(packed_bytes, 1)
    if declared > settings.max_archive_bytes:
        raise HostileArchiveError(
            f"it says that it unpacks to {declared:,} bytes, more than the {settings.max_archive_bytes:,} allowed"
        )
    if declared > _SMALL and ratio > settings.max_archive_ratio:
        raise HostileArchiveError(
            f"it unpacks to {ratio:,.0f} times its size ({declared:,} bytes from {packed_bytes:,}); "
            f"genuine returns stay below {settings.max_archive_ratio} times"
        )
    return [_checked(info, settings) for info in infos]


def _checked(info: zipfile.ZipInfo, settings: Settings) -> Member:
    name = info.filename
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or _DRIVE.match(name):
        raise HostileArchiveError(f"it names a file outside itself ('{name}')")
    if info.flag_bits & 0x1:
        raise HostileArchiveError(f"'{name}' is protected by a password")
    if info.file_size > settings.max_file_bytes:
        raise HostileArchiveError(
            f"'{name}' says that it unpacks to {info.file_size:,} bytes, more than {settings.max_file_bytes:,} allowed"
        )
    return Member(path, info)


def unpack(archive: zipfile.ZipFile, member: Member) -> Iterator[bytes]:
    """Yield a member's bytes; raises :class:`HostileArchiveError` where it is broken or holds more than it declares."""
    produced = 0
    try:
        with archive.open(member.info) as file:
            while block := file.read(_READ_BYTES):
                produced += len(block)
                if produced > member.info.file_size:
                    raise HostileArchiveError(f"'{member.path}' holds more bytes than it declares")
                yield block
    except BROKEN as error:
        raise HostileArchiveError(f"'{member.path}' cannot be unpacked: {error}") from error
    if produced < member.info.file_size:
        raise HostileArchiveError(f"'{member.path}' holds fewer bytes than it declares")


def blocks_of(file: IO[bytes]) -> Iterator[bytes]:
    """Yield an open file's bytes in blocks."""
    while block := file.read(_READ_BYTES):
        yield block


def open_archive(path: Path) -> zipfile.ZipFile:
    """Open a zip archive; raises :class:`HostileArchiveError` where it is none or is cut off."""
    try:
        return zipfile.ZipFile(path)
    except BROKEN as error:
        raise HostileArchiveError(f"it is cut off or damaged ({error})") from error
