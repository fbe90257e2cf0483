"""Where a body ends: Content-Length (L), Transfer-Encoding (T), chunks (K).

Source: RFC 9112 sections 6.1-6.3 and 7.1; RFC 9110 sections 5.6, 6.5 and 8.6. The rows marked as
smuggling are ways in which a server and the proxy in front of it have disagreed.
"""

from .http_case import (CHUNKED, HARDENING, MUST, SHOULD, SMUGGLING, Case, chunked, echoed, post,
                        refused, served)


def _length(value: bytes, body: bytes = b"hello") -> bytes:
    return post(b"Content-Length: " + value + b"\r\n", body)


def _coding(value: bytes, body: bytes = b"5\r\nhello\r\n0\r\n\r\n") -> bytes:
    return post(b"Transfer-Encoding: " + value + b"\r\n", body)


_CHUNKS = b"5\r\nhello\r\n0\r\n\r\n"

LENGTH: list[Case] = [
    *refused("L", MUST, 400, {
        "a plus": _length(b"+5"),
        "a minus": _length(b"-5"),
        "minus zero": _length(b"-0", b""),
        "plus zero": _length(b"+0", b""),
        "a blank inside": _length(b"5 5"),
        "a tab inside": _length(b"5\t5"),
        "hexadecimal": _length(b"0x5"),
        "hexadecimal behind a zero": _length(b"00x5"),
        "a hexadecimal digit": _length(b"a", b"0123456789"),
        "an octal prefix": _length(b"0o5"),
        "letters behind": _length(b"5x"),
        "a fraction": _length(b"5.0"),
        "an exponent": _length(b"5e0"),
        "a semicolon": _length(b"5;"),
        "a parameter": _length(b"5; q=1"),
        "quotes": _length(b'"5"'),
        "a list of two numbers": _length(b"5, 6"),
        "a list of one and nothing": _length(b"5,"),
        "a list of nothing and one": _length(b",5"),
        "two fields that differ": post(b"Content-Length: 5\r\nContent-Length: 6\r\n", b"hello"),
        "two fields that differ in case and value": post(
            b"CONTENT-LENGTH: 6\r\ncontent-length: 5\r\n", b"hello"),
        "a good one and an empty one": post(b"Content-Length: 5\r\nContent-Length:\r\n", b"hello"),
        "zero and then five": post(b"Content-Length: 0\r\nContent-Length: 5\r\n", b"hello"),
        "a blank before the colon": post(b"Content-Length : 5\r\n", b"hello"),
        "a tab before the colon": post(b"Content-Length\t: 5\r\n", b"hello"),
        "a vertical tab": _length(b"\x0b5"),
        "a form feed": _length(b"5\x0c"),
        "a NUL behind": _length(b"5\x00"),
        "a NUL before": _length(b"\x005"),
        "a folded value": post(b"Content-Length:\r\n 5\r\n", b"hello"),
        "a folded second digit": post(b"Content-Length: 5\r\n 0\r\n", b"hello"),
    }),
    *refused("L", SMUGGLING, 400, {
        "an underscore": _length(b"1_0", b"0123456789"),
        "digits of another script": _length("٥".encode()),
        "a superscript": _length("²".encode(), b"he"),
        "a full-width digit": _length("５".encode()),
        "NEL behind": _length(b"5\x85"),
        "a no-break space before": _length(b"\xa05"),
        "a byte order mark": _length(b"\xef\xbb\xbf5"),
        "2^63": _length(b"9223372036854775808"),
        "2^64": _length(b"18446744073709551616"),
        "2^64 + 5": _length(b"18446744073709551621"),
        "2^128 + 5": _length(b"340282366920938463463374607431768211461"),
        "four thousand digits": _length(b"9" * 4000),
        "a NUL in the name": post(b"Content-\x00Length: 5\r\n", b"hello"),
        "a bare LF in front": post(b"X: y\nContent-Length: 5\r\n", b"hello"),
        "a bare CR in front": post(b"X: y\rContent-Length: 5\r\n", b"hello"),
    }),
    *refused("L", HARDENING, 400, {
        "an empty value": _length(b"", b""),
        "blanks only": _length(b" \t ", b""),
        # A recipient may merge equal ones (RFC 9110 section 8.6), and nobody honest sends them.
        "two equal fields": post(b"Content-Length: 5\r\nContent-Length: 5\r\n", b"hello"),
        "a list of equal numbers": _length(b"5, 5"),
        "a list of equal numbers without a blank": _length(b"5,5"),
        "equal numbers in other words": post(b"Content-Length: 5\r\nContent-Length: 05\r\n",
                                             b"hello"),
    }),
    *refused("L", HARDENING, 413, {
        "2^31 + 5": _length(b"2147483653"),
        "2^32 + 5": _length(b"4294967301"),
        "one TiB": _length(b"1099511627776"),
        "2^63 - 1": _length(b"9223372036854775807"),
    }),
    *echoed("L", MUST, {
        "leading zeros are decimal": (_length(b"0010", b"0123456789"), b"0123456789"),
        "an octal-looking eight": (_length(b"08", b"01234567"), b"01234567"),
        "forty leading zeros": (_length(b"0" * 40 + b"5"), b"hello"),
        "a tab before": (_length(b"\t5"), b"hello"),
        "blanks around": (_length(b"  5 \t"), b"hello"),
        "no blank": (post(b"Content-Length:5\r\n", b"hello"), b"hello"),
        "zero": (_length(b"0", b""), b""),
        "none at all": (post(b""), b""),
    }),
]

TRANSFER_ENCODING: list[Case] = [
    *refused("T", MUST, {400, 501}, {
        "gzip, then chunked": _coding(b"gzip, chunked"),
        "an unknown coding": _coding(b"cow"),
        "gzip alone": _coding(b"gzip"),
        "deflate, then chunked": _coding(b"deflate, chunked"),
        "identity": _coding(b"identity"),
        "identity, then chunked": _coding(b"identity, chunked"),
        "chunked, then identity": _coding(b"chunked, identity"),
        "chunked, then gzip": _coding(b"chunked, gzip"),
        "chunked twice in one field": _coding(b"chunked, chunked"),
        "chunked in two fields": post(CHUNKED + CHUNKED, _CHUNKS),
        "chunked between others": _coding(b"gzip, chunked, gzip"),
        "a parameter": _coding(b"chunked;q=1"),
        "an empty value": _coding(b""),
        "a blank before the colon": post(b"Transfer-Encoding : chunked\r\n", _CHUNKS),
        "a tab before the colon": post(b"Transfer-Encoding\t: chunked\r\n", _CHUNKS),
        "a folded value": post(b"Transfer-Encoding:\r\n chunked\r\n", _CHUNKS),
        "a folded second coding": post(b"Transfer-Encoding: chunked\r\n , identity\r\n", _CHUNKS),
        "in HTTP/1.0": post(CHUNKED, _CHUNKS, version=b"HTTP/1.0"),
        "in HTTP/1.0 that wants to stay": post(
            CHUNKED + b"Connection: keep-alive\r\n", _CHUNKS, version=b"HTTP/1.0"),
        "with a length": post(b"Content-Length: 5\r\n" + CHUNKED, _CHUNKS),
        "with a length behind it": post(CHUNKED + b"Content-Length: 5\r\n", _CHUNKS),
        "with a length of zero": post(CHUNKED + b"Content-Length: 0\r\n", _CHUNKS),
        "with a good length": post(CHUNKED + b"Content-Length: 15\r\n", _CHUNKS),
        "with a bad length": post(CHUNKED + b"Content-Length: x\r\n", _CHUNKS),
    }),
    *refused("T", SMUGGLING, {400, 501}, {
        "xchunked": _coding(b"xchunked"),
        "chunkedx": _coding(b"chunkedx"),
        "chunk": _coding(b"chunk"),
        "a comma before": _coding(b",chunked"),
        "a comma and a blank before": _coding(b", chunked"),
        "a comma behind": _coding(b"chunked,"),
        "commas around": _coding(b",,chunked,,"),
        "quotes": _coding(b'"chunked"'),
        "single quotes": _coding(b"'chunked'"),
        "a blank inside": _coding(b"chun ked"),
        "two words": _coding(b"chunked foo"),
        "two words, the other way": _coding(b"foo chunked"),
        "a vertical tab before": _coding(b"\x0bchunked"),
        "a vertical tab behind": _coding(b"chunked\x0b"),
        "a form feed before": _coding(b"\x0cchunked"),
        "a NUL before": _coding(b"\x00chunked"),
        "a NUL behind": _coding(b"chunked\x00"),
        "NEL before": _coding(b"\x85chunked"),
        "NEL behind": _coding(b"chunked\x85"),
        "a no-break space before": _coding(b"\xa0chunked"),
        "a no-break space behind": _coding(b"chunked\xa0"),
        "a Kelvin sign": _coding("chun\u212aed".encode()),
        "a long s": _coding("chunked, \u017f".encode()),
        "a bare CR before": _coding(b"\rchunked"),
        "a bare CR behind": _coding(b"chunked\r"),
        "identity in a second field": post(CHUNKED + b"Transfer-Encoding: identity\r\n", _CHUNKS),
        "identity in a first field": post(b"Transfer-Encoding: identity\r\n" + CHUNKED, _CHUNKS),
        "a cow in a second field": post(CHUNKED + b"Transfer-Encoding: cow\r\n", _CHUNKS),
        "an empty second field": post(CHUNKED + b"Transfer-Encoding:\r\n", _CHUNKS),
        "a bare LF in front": post(b"X: y\n" + CHUNKED, _CHUNKS),
        "a bare CR in front": post(b"X: y\r" + CHUNKED, _CHUNKS),
        "a CR too many in front": post(b"X: y\r\n\r" + CHUNKED, _CHUNKS),
        "a NUL in the name": post(b"Transfer-\x00Encoding: chunked\r\n", _CHUNKS),
        "a NUL behind the name": post(b"Transfer-Encoding\x00: chunked\r\n", _CHUNKS),
        "a blank in the name": post(b"Transfer Encoding: chunked\r\n", _CHUNKS),
        "a length hidden by a fold": post(
            CHUNKED + b"X: y\r\n Content-Length: 5\r\n", _CHUNKS),
        "a length hidden by a bad name": post(
            CHUNKED + b"Content-Length@: 5\r\n", _CHUNKS),
    }),
    *refused("T", SHOULD, 501, {"a known end after an unknown coding": _coding(b"br, chunked")}),
    *echoed("T", MUST, {
        "upper case": (_coding(b"CHUNKED"), b"hello"),
        "mixed case in name and value": (post(b"tRANSFER-eNCODING: cHuNkEd\r\n", _CHUNKS),
                                         b"hello"),
        "no blank": (post(b"Transfer-Encoding:chunked\r\n", _CHUNKS), b"hello"),
        "tabs around": (_coding(b"\tchunked\t"), b"hello"),
        "as Content-Encoding it says nothing": (
            post(b"Content-Encoding: chunked\r\nContent-Length: 5\r\n", b"hello"), b"hello"),
        "TE says nothing about the body": (
            post(b"TE: chunked\r\nContent-Length: 5\r\n", b"hello"), b"hello"),
    }),
]


def _size(line: bytes, data: bytes = b"hello") -> bytes:
    """A first chunk with that line, then the last chunk."""
    return chunked(line + b"\r\n" + data + b"\r\n0\r\n\r\n")


def _extension(text: bytes) -> bytes:
    return _size(b"5" + text)


def _trailer(text: bytes) -> bytes:
    return chunked(b"5\r\nhello\r\n0\r\n" + text + b"\r\n")


CHUNKS: list[Case] = [
    *refused("K", MUST, 400, {
        "no size": _size(b""),
        "a letter that is no digit": _size(b"g"),
        "a minus": _size(b"-5"),
        "minus zero as the last chunk": chunked(b"5\r\nhello\r\n-0\r\n\r\n"),
        "a plus": _size(b"+5"),
        "hexadecimal prefix": _size(b"0x5"),
        "hexadecimal prefix of the last chunk": chunked(b"5\r\nhello\r\n0x0\r\n\r\n"),
        "a blank before the size": _size(b" 5"),
        "a tab before the size": _size(b"\t5"),
        "a blank in the size": _size(b"0 5"),
        "a fraction": _size(b"5.0"),
        "a comma": _size(b"5,"),
        "quotes": _size(b'"5"'),
        "a NUL behind the size": _size(b"5\x00"),
        "a vertical tab behind the size": _size(b"5\x0b"),
        "data longer than its size": chunked(b"4\r\nhello\r\n0\r\n\r\n"),
        "data shorter than its size": chunked(b"6\r\nhello\r\n0\r\n\r\n"),
        "no CRLF behind the data": chunked(b"5\r\nhello0\r\n\r\n"),
        "two other octets behind the data": chunked(b"5\r\nhelloXX0\r\n\r\n"),
        "CR and another octet behind the data": chunked(b"5\r\nhello\rX0\r\n\r\n"),
        "a blank and CRLF behind the data": chunked(b"5\r\nhello \r\n0\r\n\r\n"),
        "an empty line between chunks": chunked(b"5\r\nhello\r\n\r\n0\r\n\r\n"),
        "2^64 + 5": _size(b"10000000000000005"),
        "2^64": _size(b"10000000000000000"),
        "a trailer without a colon": _trailer(b"X\r\n"),
        "a trailer without a name": _trailer(b": y\r\n"),
        "a trailer with a blank before the colon": _trailer(b"X : y\r\n"),
        "a folded trailer": _trailer(b"X: y\r\n z\r\n"),
        "a trailer that begins with a blank": _trailer(b" X: y\r\n"),
        "a NUL in a trailer": _trailer(b"X: \x00\r\n"),
        "a control octet in a trailer": _trailer(b"X: \x01\r\n"),
    }),
    *refused("K", SMUGGLING, 400, {
        "a bare LF behind the size": chunked(b"5\nhello\r\n0\r\n\r\n"),
        "a bare CR behind the size": chunked(b"5\rhello\r\n0\r\n\r\n"),
        "CR CR LF behind the size": chunked(b"5\r\r\nhello\r\n0\r\n\r\n"),
        "a bare LF behind the data": chunked(b"5\r\nhello\n0\r\n\r\n"),
        "a bare CR behind the data": chunked(b"5\r\nhello\r0\r\n\r\n"),
        "LF CR behind the data": chunked(b"5\r\nhello\n\r0\r\n\r\n"),
        "a bare LF behind the last chunk": chunked(b"5\r\nhello\r\n0\n\r\n"),
        "a bare LF at the end": chunked(b"5\r\nhello\r\n0\r\n\n"),
        "CR and another octet at the end": chunked(b"5\r\nhello\r\n0\r\n\rX"),
        "CR CR LF at the end": chunked(b"5\r\nhello\r\n0\r\n\r\r\n"),
        "an underscore": _size(b"1_0", b"0123456789abcdef"),
        "digits of another script": _size("٥".encode()),
        "a superscript": _size("²".encode(), b"he"),
        "NEL behind the size": _size(b"5\x85"),
        "a no-break space behind the size": _size(b"5\xa0"),
        "a bare LF in an extension": _extension(b";a\nb"),
        "a bare CR in an extension": _extension(b";a\rb"),
        "a bare LF in a quoted extension": _extension(b';a="\n"'),
        "CRLF in a quoted extension": _extension(b';a="\r\n"'),
        "an escaped LF in a quoted extension": _extension(b';a="\\\n"'),
        "an unfinished quoted extension": _extension(b';a="'),
        "a NUL in an extension": _extension(b";a\x00"),
        "an extension with a blank for a semicolon": _extension(b" a"),
        "a blank behind the size, then CRLF": _size(b"5 "),
        "seventeen digits, sixteen of them zeros": _size(b"0" * 16 + b"5"),
        "a thousand zeros as the last chunk": chunked(
            b"5\r\nhello\r\n" + b"0" * 1000 + b"\r\n\r\n"),
        "a bare LF behind a trailer": _trailer(b"X: y\n"),
        "a bare CR in a trailer": _trailer(b"X: y\rz\r\n"),
        "a good chunk behind a bad one": chunked(b"x\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
    }),
    *refused("K", HARDENING, {400, 413, 431}, {
        "a chunk of 2^63 - 1": _size(b"7fffffffffffffff"),
        "a chunk of 2^63": _size(b"8000000000000000"),
        "a chunk of 2^64 - 1": _size(b"ffffffffffffffff"),
        "a chunk of 2^32 + 5": _size(b"100000005"),
        "an extension of 64 KiB": _extension(b";" + b"a" * 65536),
        "a quoted extension of 64 KiB": _extension(b';a="' + b"a" * 65536 + b'"'),
        "extensions of a kibibyte each": chunked(
            (b"1;" + b"a" * 1024 + b"\r\nx\r\n") * 64 + b"0\r\n\r\n"),
        "a trailer of 64 KiB": _trailer(b"X: " + b"a" * 65536 + b"\r\n"),
        "ten thousand trailers": _trailer(b"X: y\r\n" * 10_000),
        "extensions without names": _extension(b";;;"),
        "an extension without a value": _extension(b";a="),
        "an extension behind a quoted value": _extension(b';a="b"c'),
    }),
    *echoed("K", MUST, {
        "one chunk": (_size(b"5"), b"hello"),
        "two chunks": (chunked(b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"), b"hello"),
        "no chunk": (chunked(b"0\r\n\r\n"), b""),
        "upper-case digits": (_size(b"1A", b"a" * 26), b"a" * 26),
        "lower-case digits": (_size(b"1a", b"a" * 26), b"a" * 26),
        "leading zeros": (_size(b"0005"), b"hello"),
        "a last chunk of several zeros": (chunked(b"5\r\nhello\r\n000\r\n\r\n"), b"hello"),
        "CRLF in the data": (_size(b"7", b"he\r\nllo"), b"he\r\nllo"),
        "data that looks like the end": (_size(b"9", b"0\r\n\r\n0\r\n\r"), b"0\r\n\r\n0\r\n\r"),
        "an extension": (_extension(b";a"), b"hello"),
        "an extension with a token": (_extension(b";a=b"), b"hello"),
        "an extension with a quoted string": (_extension(b';a="b;c=\\"d\\""'), b"hello"),
        "an empty quoted string": (_extension(b';a=""'), b"hello"),
        "several extensions": (_extension(b';a;b=c;d="e"'), b"hello"),
        "blanks around an extension": (_extension(b" \t;\ta = b ;c"), b"hello"),
        "an extension of the last chunk": (chunked(b"5\r\nhello\r\n0;a=b\r\n\r\n"), b"hello"),
        "a trailer": (_trailer(b"X: y\r\n"), b"hello"),
        "two trailers": (_trailer(b"X: y\r\nZ:\r\n"), b"hello"),
        "a trailer beyond ASCII": (_trailer(b"X: \xe4\xff\r\n"), b"hello"),
        "a length in a trailer counts for nothing": (
            _trailer(b"Content-Length: 100\r\n"), b"hello"),
        "a coding in a trailer counts for nothing": (
            _trailer(b"Transfer-Encoding: chunked\r\n"), b"hello"),
        "a host in a trailer counts for nothing": (_trailer(b"Host: evil\r\n"), b"hello"),
        "a thousand chunks of one octet": (
            chunked(b"1\r\nx\r\n" * 1000 + b"0\r\n\r\n"), b"x" * 1000),
        "a chunk of 60,000 octets": (_size(b"ea60", b"a" * 60_000), b"a" * 60_000),
    }),
    *served("K", SHOULD, {"a chunked GET": b"GET <get> HTTP/1.1\r\nHost: a\r\n" + CHUNKED
                          + b"\r\n" + _CHUNKS}),
]
