"""What looks like a Latin letter: the part of UTS 39's confusables that a name made of Latin letters can be forged with.

Made by the spoof checker of ICU 78 (Unicode 17) for every code point, and of letters in boxes and small capitals by their
names, less what `skeleton` folds without it; ADR 21 has the reasons. In escapes, since some of them would turn the
direction of these lines.
"""

from __future__ import annotations

import unicodedata
from typing import Final

_LOOK_ALIKE: Final = {
    "a": (
        "\u0251\u03b1\u0430\u13aa\u15c5\u1d00\u2376\u237a\ua4ee\U000102a0\U00016f40\U0001ccd6\U0001f150"
        "\U0001f170\U0001f1e6"
    ),
    "aa": "\ua733",
    "ae": "\u00e6\u04d5",
    "ao": "\ua735",
    "ar": "\U0001f707",
    "au": "\ua737",
    "av": "\ua739\ua73b",
    "ay": "\ua73d",
    "b": (
        "\u0180\u0183\u0184\u0253\u0299\u0392\u0411\u0412\u042c\u0463\u048d\u13cf\u13f4\u1472\u1473\u147e"
        "\u147f\u1480\u1481\u1488\u15af\u15f7\u2c82\ua4d0\ua7b4\U00010282\U000102a1\U00010301\U00016eb6"
        "\U0001ccd7\U0001f151\U0001f171\U0001f1e7"
    ),
    "bl": "\u042b",
    "c": (
        "\u00a2\u0187\u023c\u0441\u04ab\u1004\u105a\u13df\u1d04\u20a1\u2ca5\ua4da\U000102a2\U00010302"
        "\U0001043d\U0001051c\U000118e9\U000118f2\U0001ccd8\U0001f152\U0001f16e\U0001f172\U0001f1e8"
        "\U0001f74c"
    ),
    "cc": "\U0001f16d",
    "d": (
        "\u00d0\u0111\u018c\u0256\u0257\u0501\u13a0\u13e7\u146f\u147a\u147b\u1487\u15de\u15ea\u1d05\u20ab"
        "\ua4d2\ua4d3\U0001ccd9\U0001f153\U0001f173\U0001f1e9"
    ),
    "dz": "\u02a3",
    "e": (
        "\u0247\u0395\u0435\u04bd\u04bf\u13ac\u1d07\u212e\u22ff\u2d39\ua4f0\uab32\U00010286\U000118a6"
        "\U000118ae\U0001ccda\U0001f154\U0001f174\U0001f1ea"
    ),
    "f": (
        "\u0192\u03dc\u0584\u15b4\u1d6e\u1e9d\ua4dd\ua730\ua799\uab35\U00010287\U000102a5\U00010525"
        "\U000118c2\U0001ccdb\U0001d213\U0001f155\U0001f175\U0001f1eb"
    ),
    "fn": "\u02a9",
    "g": (
        "\u018d\u01e5\u0260\u0261\u0262\u050c\u0581\u13c0\u13f3\u1d83\ua4d6\U0001ccdc\U0001f156\U0001f176"
        "\U0001f1ec"
    ),
    "h": (
        "\u0127\u0266\u029c\u0397\u041d\u045b\u04a2\u04bb\u04c7\u04c9\u0570\u13bb\u13c2\u13f2\u157c\u2c67"
        "\u2c8e\ua4e7\ua695\U000102cf\U0001ccdd\U0001f157\U0001f177\U0001f1ed"
    ),
    "j": (
        "\u0249\u03f3\u0458\u13ab\u148d\u1498\u1499\u1d0a\ua4d9\ua7b2\U0001ccdf\U0001f159\U0001f179\U0001f1ef"
    ),
    "k": (
        "\u0199\u039a\u041a\u049a\u049e\u13e6\u16d5\u1d0b\u20ad\u2c69\u2c94\ua4d7\ua740\U00010518\U0001cce0"
        "\U0001f15a\U0001f17a\U0001f1f0"
    ),
    "l": (
        "\u0131\u0142\u019a\u01c0\u0268\u0269\u026a\u026b\u026d\u029f\u03b9\u0456\u04cf\u0582\u05c0\u05d5"
        "\u05df\u05f1\u0627\u0661\u0673\u06f1\u07ca\u13a5\u13de\u14aa\u14b6\u14b7\u16c1\u1d7b\u1d7c\u2223"
        "\u2373\u2378\u23fd\u2c93\u2cd0\u2d4f\ua4e1\ua4f2\ua647\U0001028a\U00010309\U00010320\U0001041b"
        "\U00010526\U000118b2\U000118c3\U00011dda\U00011de1\U00016eaa\U00016f16\U00016f28\U0001ccde"
        "\U0001cce1\U0001ccf1\U0001d22a\U0001e8c7\U0001f158\U0001f15b\U0001f178\U0001f17b\U0001f1ee"
        "\U0001f1f1"
    ),
    "ll": "\u01c1\u05f0\u2016\u2225\U00010199",
    "lls": "\U00010198",
    "lo": "\u042e\u23e8",
    "ls": "\u02aa",
    "lt": "\u20b6",
    "lz": "\u02ab",
    "m": (
        "\u0271\u039c\u03fa\u041c\u04cd\u13b7\u15f0\u16d6\u1d0d\u1d6f\u20a5\u2c98\ua4df\U000102b0\U00010311"
        "\U00011700\U000118e3\U0001cce2\U0001f15c\U0001f17c\U0001f1f2"
    ),
    "mb": "\U0001f76b",
    "n": (
        "\u014b\u019d\u019e\u0273\u0274\u039d\u03b7\u0572\u0578\u057c\u1d70\u2c9a\ua4e0\U0001018e\U00010513"
        "\U0001cce3\U0001f15d\U0001f17d\U0001f1f3"
    ),
    "o": (
        "\u00f8\u0275\u03b8\u03bf\u03c3\u03ed\u043e\u0473\u04e9\u0585\u05e1\u0647\u0665\u06be\u06c1\u06d5"
        "\u06f5\u06ff\u07c0\u0966\u09e6\u0a66\u0ae6\u0b20\u0b66\u0be6\u0c02\u0c66\u0c82\u0ce6\u0d02\u0d20"
        "\u0d66\u0d82\u0e50\u0ed0\u1010\u101d\u1040\u10d7\u10ff\u12d0\u13a4\u13be\u13eb\u17e0\u1d0f\u1d11"
        "\u2296\u229d\u236c\u2c91\u2c9f\u2d31\u2d41\u2d54\u3007\ua4f3\ua74b\uab3d\uab3e\U00010292\U000102ab"
        "\U0001042c\U000104ea\U00010516\U000114d0\U000118b5\U000118c8\U000118d7\U000118e0\U00011de0"
        "\U0001cce4\U0001ccf0\U0001d21a\U0001f15e\U0001f17e\U0001f1f4\U0001f714"
    ),
    "oe": "\u0153",
    "oo": "\u066a\u2052\u221e\ua699\ua74f",
    "ooo": "\u0609\u2030",
    "oooo": "\u060a\u2031",
    "p": (
        "\u00fe\u01a5\u01bf\u03c1\u03f8\u0440\u13e2\u146d\u1476\u1477\u1486\u1d18\u1d7d\u2374\u2ca3\u2ccf"
        "\ua4d1\U00010295\U0001cce5\U0001f15f\U0001f17f\U0001f1f5"
    ),
    "q": "\u02a0\u051b\u0563\u0566\u2d55\ua7af\U0001cce6\U0001f160\U0001f180\U0001f1f6",
    "qe": "\U0001f700",
    "r": (
        "\u024d\u027c\u027d\u0280\u0433\u0491\u0493\u13a1\u13d2\u1587\u1d26\u1d72\u2c85\ua4e3\uab47\uab48"
        "\uab81\U000104b4\U00016f35\U0001cce7\U0001d216\U0001f161\U0001f181\U0001f1f7"
    ),
    "s": (
        "\u01bd\u0282\u0455\u054f\u0d1f\u13d5\u13da\u1d74\ua4e2\ua731\U00010296\U00010448\U000118c1"
        "\U00016f3a\U0001cce8\U0001f162\U0001f182\U0001f1f8"
    ),
    "sss": "\U0001f75c",
    "t": (
        "\u0167\u01ad\u01ae\u023e\u03a4\u0422\u04ac\u13a2\u1d1b\u1d75\u20ae\u22a4\u2361\u27d9\u2ca6\ua4d4"
        "\U00010297\U000102b1\U00010315\U000118bc\U00016f0a\U0001cce9\U0001f163\U0001f183\U0001f1f9"
        "\U0001f768"
    ),
    "tf": "\ua777",
    "ts": "\u02a6",
    "u": (
        "\u0244\u028b\u03c5\u045f\u057d\u1200\u13cc\u144c\u1457\u1458\u1467\u1d1c\u1d7e\u222a\u22c3\ua4f4"
        "\ua79f\uab4e\uab52\U000104f6\U000118d8\U00016f42\U0001ccea\U0001f164\U0001f184\U0001f1fa"
    ),
    "ue": "\u1d6b",
    "uo": "\uab63",
    "v": (
        "\u03bd\u0475\u05d8\u0667\u06f7\u13d9\u142f\u143a\u143b\u1d20\u2228\u22c1\u2d38\ua4e6\ua6df"
        "\U00010197\U0001051d\U00011706\U000118c0\U00016f08\U0001cceb\U0001d20d\U0001f165\U0001f185"
        "\U0001f1fb\U0001f708"
    ),
    "vb": "\U0001f76c",
    "w": (
        "\u026f\u0448\u0461\u047d\u051d\u0561\u13b3\u13d4\u1d21\u20a9\u2cbd\ua4ea\ua761\U000114c5\U0001170a"
        "\U0001170e\U0001170f\U000118e6\U000118ef\U0001ccec\U0001f166\U0001f186\U0001f1fc"
    ),
    "x": (
        "\u00d7\u03a7\u0445\u04b2\u1541\u157d\u166d\u166e\u16b7\u2573\u292b\u292c\u2a2f\u2a30\u2cac\u2d5d"
        "\ua4eb\ua7b3\U00010196\U00010290\U000102b4\U00010317\U00010322\U00010527\U000118ec\U0001cced"
        "\U0001f167\U0001f187\U0001f1fd"
    ),
    "y": (
        "\u00a5\u01b4\u024f\u0263\u028f\u03a5\u03b3\u0443\u04af\u04b1\u10e7\u13a9\u13bd\u1d8c\u1eff\u2ca9"
        "\ua4ec\uab5a\U000102b2\U000118a4\U000118dc\U00016f43\U0001ccee\U0001f168\U0001f188\U0001f1fe"
    ),
    "z": (
        "\u01b6\u0225\u0290\u0396\u13c3\u1d22\u1d76\ua4dc\U000102f5\U000118a9\U000118c4\U000118e5\U0001ccef"
        "\U0001f169\U0001f189\U0001f1ff"
    ),
}
_FOLDED: Final = str.maketrans({sign: letter for letter, signs in _LOOK_ALIKE.items() for sign in signs})
# Of these UTS 39 tells apart only what a font may not.
_SAME: Final = str.maketrans("1i0", "llo")


def skeleton(text: str) -> str:
    """Letters and digits alone, in small Latin letters where they look like them: equal for texts that look alike.

    The skeleton of UTS 39, section 4, beyond which case, accents, blanks and signs make no difference either.
    """
    folded = unicodedata.normalize("NFKD", text).translate(_FOLDED)
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", folded).casefold()).translate(
        _FOLDED
    )
    letters = "".join(sign for sign in folded if sign.isalnum() and not unicodedata.combining(sign))
    return letters.translate(_SAME).replace("rn", "m").replace("vv", "w")
