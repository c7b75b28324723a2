"""The pictures of the buddies, drawn anew in plain ASCII: the reference's art lost its spaces in transit.

Only characters that are one cell wide in every font and terminal are used. All lines of a picture have the
same width, so that it may be centred, framed or put in a column without looking at it.
"""

from textwrap import dedent
from typing import Final, TypeAlias

Picture: TypeAlias = tuple[str, ...]


def _picture(drawing: str) -> Picture:
    """The lines of a drawing without its margin, padded on the right to the same width."""
    lines = [line.rstrip() for line in dedent(drawing).strip("\n").split("\n")]
    width = max(map(len, lines))
    return tuple(line.ljust(width) for line in lines)


DRAGON_PORTRAIT: Final = _picture(r"""
  /\___/\
 (  o o  )
 <   ^   >
  \_vvv_/
""")

EGG: Final = _picture(r"""
   .---.
  / ' . \
 / .   ' \
|  ' .  . |
 \ .   ' /
  '-----'
""")

HATCHLING: Final = _picture(r"""
    /\_/\
   ( o.o )
  __\_v_/__
 |/\/\/\/\/|
  \  '  . /
   '-----'
""")

DRAKE: Final = _picture(r"""
    /\_____/\
   /         \
<\|  [#]-[#]  |/>
   \    ~    /
    '-.vvv.-'
""")

DRAGON: Final = _picture(r"""
 /\     /\___/\     /\
/  \___( *   * )___/  \
\  ^  /|   ^   |\  ^  /
 \/ \/ | vvvvv | \/ \/
        \_____/
         ~ ~ ~
""")

ELDER_DRAGON: Final = _picture(r"""
         .  *  .
         |\/^\/|
 /\   *  |_____|  *   /\
/  \____/       \____/  \
\  /\  (  @   @  )  /\  /
 \/  \/ \   ^   / \/  \/
     /   \ vvv /   \
     \____'---'____/
""")

CAT_PORTRAIT: Final = _picture(r"""
 /\_/\
( o.o )
 > ^ <
""")

KITTEN: Final = _picture(r"""
 /\_/\
( o.o )
(")_(")
""")

CAT: Final = _picture(r"""
  /\___/\
 /       \
| [#]-[#] |
 \  =^=  /
 (")___(")
""")

WISE_CAT: Final = _picture(r"""
    /\___/\
   /       \
 =| (o)-(o) |=
 =|    Y    |=
   \  '-'  /
    \\|||//
     '|||'
""")

FOX_PORTRAIT: Final = _picture(r"""
 /\---/\
( o   o )
 \__~__/
""")

PUP: Final = _picture(r"""
 /\---/\
(  o o  )
 \  v  /
  '---'
""")

FOX: Final = _picture(r"""
 /\     /\
/  \---/  \     __
| (o) (o) |   .'  )
 \_  ~  _/  .'   /
   \_Y_/___/   .'
   |  |  |___.'
   |__|__|
""")
