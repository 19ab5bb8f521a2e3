"""Frames of the compressed protocol. Standard library and libzstd only."""
import ctypes
import struct
import zlib

COMPRESS, ZSTD = 1 << 5, 1 << 26  # of the capabilities
SHORTEST = 50     # bytes of contents that are worth packing
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"


def zstd():
    library = ctypes.CDLL("libzstd.so.1")
    for name in ("ZSTD_compress", "ZSTD_compressBound", "ZSTD_decompress"):
        getattr(library, name).restype = ctypes.c_size_t
    library.ZSTD_compressBound.argtypes = [ctypes.c_size_t]
    library.ZSTD_compress.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t,
                                      ctypes.c_int]
    library.ZSTD_decompress.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t]
    return library


def pack(how, contents):
    if how == "zlib":
        return zlib.compress(contents)
    library = zstd()
    to = ctypes.create_string_buffer(library.ZSTD_compressBound(len(contents)))
    length = library.ZSTD_compress(to, len(to), contents, len(contents), 3)
    return to.raw[:length]


def unpack(payload, length):
    """LENGTH as the frame's header says it."""
    if length == 0:
        return payload
    if payload[:4] != ZSTD_MAGIC:
        return zlib.decompress(payload)
    to = ctypes.create_string_buffer(length)
    assert zstd().ZSTD_decompress(to, length, payload, len(payload)) == length
    return to.raw


def frame(how, sequence, contents):
    payload, length = contents, 0
    if len(contents) >= SHORTEST and len(pack(how, contents)) < len(contents):
        payload, length = pack(how, contents), len(contents)
    return struct.pack("<I", len(payload) | sequence << 24) + struct.pack("<I", length)[:3] + payload
