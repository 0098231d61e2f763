"""Numbers as Word and others write them: Roman, letters, ordinals, Chinese, in circles."""

from __future__ import annotations

from collections.abc import Callable, Mapping

_ROMAN = ((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"))
_ROMAN_UNITS = ((10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))
_DIGITS = "〇一二三四五六七八九"
_FORMAL = "零壹贰叁肆伍陆柒捌玖"
_ONES = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven"),
    *("twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_ORDINALS = {"one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth",
             "nine": "ninth", "twelve": "twelfth"}  # fmt: skip
#: larger numbers are written in digits
_MOST = 99_999


def numeral(number: int, form: str) -> str:
    """``number`` in a format of ``w:numFmt``; in digits where that is unknown or the number too large."""
    writer = _WRITERS.get(form)
    return str(number) if writer is None or not 0 < number <= _MOST else writer(number)


def _roman(number: int) -> str:
    text = ""
    for amount, letters in (*_ROMAN, *_ROMAN_UNITS):
        text += letters * (number // amount)
        number %= amount
    return text


def _letters(alphabet: str) -> Callable[[int], str]:
    """a, b ... z, aa, bb ..., as Word counts."""

    def write(number: int) -> str:
        times, at = divmod(number - 1, len(alphabet))
        return alphabet[at] * min(times + 1, 20)

    return write


def _cycle(signs: str) -> Callable[[int], str]:
    return lambda number: signs[number - 1] if number <= len(signs) else str(number)


def _ordinal(number: int) -> str:
    end = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{end}"


def _words(number: int) -> str:
    if number < 20:
        return _ONES[number]
    if number < 100:
        tens, ones = divmod(number, 10)
        return _TENS[tens - 2] + (f"-{_ONES[ones]}" if ones else "")
    if number < 1000:
        hundreds, rest = divmod(number, 100)
        return f"{_ONES[hundreds]} hundred" + (f" {_words(rest)}" if rest else "")
    thousands, rest = divmod(number, 1000)
    return f"{_words(thousands)} thousand" + (f" {_words(rest)}" if rest else "")


def _ordinal_words(number: int) -> str:
    text = _words(number)
    head, last = text[: -len(_last(text))], _last(text)
    if last in _ORDINALS:
        return head + _ORDINALS[last]
    return head + (last[:-1] + "ieth" if last.endswith("y") else last + "th")


def _last(text: str) -> str:
    return text.replace("-", " ").rpartition(" ")[2]


def _chinese(digits: str, units: str) -> Callable[[int], str]:
    """一, 十, 十一, 二十 ... 一百〇一."""

    def write(number: int) -> str:
        text, pending = "", False
        for power in range(4, -1, -1):
            digit = number // 10**power % 10
            if digit:
                text += (digits[0] if pending else "") + digits[digit] + (units[power - 1] if power else "")
                pending = False
            else:
                pending = bool(text)
        one = digits[1] + units[0]
        return text.removeprefix(digits[1]) if text.startswith(one) and number < 20 else text

    return write


def _circled(number: int) -> str:
    return (
        chr(0x2460 + number - 1)
        if number <= 20
        else chr(0x3251 + number - 21)
        if number <= 35
        else str(number)
    )


_LATIN, _RUSSIAN = "abcdefghijklmnopqrstuvwxyz", "абвгдежзиклмнопрстуфхцчшщыэюя"
_COUNTING = _chinese(_DIGITS, "十百千万")
_WRITERS: Mapping[str, Callable[[int], str]] = {
    "decimalZero": lambda number: f"{number:02d}",
    "lowerRoman": _roman,
    "upperRoman": lambda number: _roman(number).upper(),
    "lowerLetter": _letters(_LATIN),
    "upperLetter": _letters(_LATIN.upper()),
    "russianLower": _letters(_RUSSIAN),
    "russianUpper": _letters(_RUSSIAN.upper()),
    "ordinal": _ordinal,
    "cardinalText": lambda number: _words(number).capitalize(),
    "ordinalText": lambda number: _ordinal_words(number).capitalize(),
    "decimalEnclosedCircle": _circled,
    "decimalEnclosedCircleChinese": _circled,
    "decimalEnclosedParen": lambda number: f"({number})",
    "decimalEnclosedFullstop": lambda number: f"{number}.",
    "numberInDash": lambda number: f"- {number} -",
    "decimalFullWidth": lambda number: "".join(chr(0xFF10 + int(digit)) for digit in str(number)),
    "hex": lambda number: f"{number:X}",
    "none": lambda _: "",
    "chineseCounting": _COUNTING,
    "chineseCountingThousand": _COUNTING,
    "japaneseCounting": _COUNTING,
    "taiwaneseCounting": _COUNTING,
    "taiwaneseCountingThousand": _COUNTING,
    "ideographDigital": lambda number: "".join(_DIGITS[int(digit)] for digit in str(number)),
    "japaneseDigitalTenThousand": _COUNTING,
    "chineseLegalSimplified": _chinese(_FORMAL, "拾佰仟萬"),
    "ideographLegalTraditional": _chinese("零壹貳參肆伍陸柒捌玖", "拾佰仟萬"),
    "ideographTraditional": _cycle("甲乙丙丁戊己庚辛壬癸"),
    "ideographZodiac": _cycle("子丑寅卯辰巳午未申酉戌亥"),
    "aiueo": _cycle("ｱｲｳｴｵｶｷｸｹｺｻｼｽｾｿﾀﾁﾂﾃﾄﾅﾆﾇﾈﾉﾊﾋﾌﾍﾎﾏﾐﾑﾒﾓﾔﾕﾖﾗﾘﾙﾚﾛﾜｦﾝ"),
    "aiueoFullWidth": _cycle(
        "アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワヲン"
    ),
    "iroha": _cycle("ｲﾛﾊﾆﾎﾍﾄﾁﾘﾇﾙｦﾜｶﾖﾀﾚｿﾂﾈﾅﾗﾑｳヰﾉｵｸﾔﾏｹﾌｺｴﾃｱｻｷﾕﾒﾐｼヱﾋﾓｾｽ"),
    "ganada": _cycle("가나다라마바사아자차카타파하"),
    "chosung": _cycle("ㄱㄴㄷㄹㅁㅂㅅㅇㅈㅊㅋㅌㅍㅎ"),
}
