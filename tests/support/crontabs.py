"""Crontabs with mistakes in them, made from sound ones: bytes changed, lost, doubled, and much that is no text."""

import random

SOUND = (
    b"* * * * * /bin/true\n",
    b"*/5 0-23/2 1,15 jan-mar mon-fri /bin/true > /dev/null 2>&1\n",
    b"# a comment\n\n   \t\n",
    b"@daily /bin/true\n",
    b"@reboot\t/bin/true a%b\\%c\n",
    b"MAILTO=ops@example.org\n",
    b'NAME = "a value"\n',
    b"'QUOTED'='it''s'\n",
    b"PATH=/usr/bin:/bin # x\n",
    b"  30 4 * * 7 root /bin/true\n",
    b"0 0 29 2 * \xc3\xa9\xff\n",
    b"0 22-6 */2 1-12/3 sun-0 x\r\n",
)
PIECES = (
    *(
        b"\0",
        b"\n",
        b"\r",
        b"\r\n",
        b"\v",
        b"\f",
        b"\t",
        b" ",
        b"#",
        b"=",
        b'"',
        b"'",
        b"%",
        b"*",
        b"/",
        b"-",
        b",",
        b"@",
        b"?",
    ),
    *(
        b"\xff",
        b"\xc2\xa0",
        b"\xef\xbb\xbf",
        b"\xc3\xa9",
        b"\x1b[2J",
        b"L",
        b"W",
        b"5#2",
        b"0",
        b"60",
        b"24",
        b"007",
        b"~",
        b"H",
    ),
    *(
        b"4294967301",
        b"2147483647",
        b"2147483648",
        b"9" * 25,
        b"1" * 1001,
        b"/0",
        b"*/",
        b"-1",
        b"@",
        b"@Daily",
        b"export A=1\n",
    ),
    *(
        b"MAILTO=\n",
        b"A= \t\n",
        b"x" * 990,
        b" " * 20,
        b"TZ=UTC 0 9 * * * /x\n",
        b"0 0 12 * * ? /x\n",
        b"=",
        b"''=",
        b"= 1\n",
    ),
)


def mutants(seed: int, count: int) -> list[bytes]:
    """So many crontabs of a few lines, the same for the same seed."""
    draw = random.Random(seed)
    return [mutant(draw) for _ in range(count)]


def mutant(draw: random.Random) -> bytes:
    text = bytearray(b"".join(draw.choices(SOUND, k=draw.choice((1, 1, 2, 4)))))
    for _ in range(draw.choice((0, 1, 1, 1, 2, 3, 6))):
        place = draw.randint(0, len(text))
        match draw.randrange(5):
            case 0 | 1:
                text[place:place] = draw.choice(PIECES)
            case 2:
                text[place:place] = draw.randbytes(draw.choice((1, 1, 2, 8)))
            case 3:
                del text[place : place + draw.choice((1, 1, 2, 10))]
            case _:
                text[place : place + 1] = draw.choice(PIECES)
    return bytes(text)
