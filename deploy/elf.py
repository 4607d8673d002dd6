"""Compiled modules without what no loader reads: tables of symbols and debugging information."""

import struct

_ELF64_LITTLE_ENDIAN = b"\x7fELF\x02\x01"
_FILE_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_PROGRAM_HEADER = struct.Struct("<IIQQQQQQ")


def strip_symbols(content: bytes) -> bytes:
    """A shared object without its table of sections and what only that leads to: `strip --strip-section-headers`.

    What is loaded is what the program headers name, and stays byte for byte. Anything but ELF of 64 bits,
    little-endian, is given back as it is. Source: elf(5).
    """
    if not content.startswith(_ELF64_LITTLE_ENDIAN):
        return content
    header = list(_FILE_HEADER.unpack_from(content))
    table, each, count = header[5], header[9], header[10]
    ends = [table + each * count]
    for at in range(table, ends[0], each):
        _kind, _flags, offset, _virtual, _physical, in_file, _in_memory, _align = _PROGRAM_HEADER.unpack_from(
            content, at
        )
        ends.append(offset + in_file)
    header[6] = header[12] = header[13] = 0  # where the sections' table is, how many it has, which holds their names
    return _FILE_HEADER.pack(*header) + content[_FILE_HEADER.size : max(ends)]
