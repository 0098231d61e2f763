"""SGLang's flags: old names, joining two sets, and what its parser would refuse."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gradio_app.base.errors import OptionInvalid
from gradio_app.model_server.sglang_flags import (
    CONTEXT_FLOOR,
    check,
    known,
    merge,
    parse_size,
    split,
    translate,
    value_of,
    version,
)

ROOT = Path(__file__).parents[3]


def test_the_list_is_of_the_version_that_is_installed() -> None:
    script = (ROOT / "start_mineru_optimized.sh").read_text()
    assert re.findall(r"sglang==([\d.]+)", script) == [version()]
    assert {"--mem-fraction-static", "--tp-size", "--enable-memory-saver"} <= known().keys()


@pytest.mark.parametrize(
    ("old", "now", "why"),
    [
        ("--load-in-4bit", "--quantization fp8", "bitsandbytes"),
        ("--load-in-8bit", "--quantization fp8", "fp8 is the 8 bit format"),
        ("--load-in-8bit=true", "--quantization fp8", "gone"),
        ("--max-model-len 32000", "--context-length 32000", "name"),
        ("--max-model-len=12000", "--context-length 12000", "name"),
        ("--max-model-len 2048", "--context-length 8192", "raised"),
        ("--gpu-memory-utilization 0.5", "--mem-fraction-static 0.5", "free at the start"),
        ("--max-model-len 2k", "--context-length 8192", "raised"),
        ("--max-model-len 16Ki", "--context-length 16Ki", "name"),
        ("--max-num-seqs 4", "--max-running-requests 4", "name"),
        ("--max-num-batched-tokens 512", "--chunked-prefill-size 512", "nearest"),
        ("--cuda-graph-max-bs 8", "--cuda-graph-max-bs-decode 8", "ambiguous"),
        (
            "--disable-cuda-graph",
            "--cuda-graph-backend-decode disabled --cuda-graph-backend-prefill disabled",
            "",
        ),
        ("--torchao-config int4wo-128", "", "no longer"),
    ],
)
def test_old_names_become_todays_and_it_is_said(old: str, now: str, why: str) -> None:
    flags, notices = translate(["--port", "1", *old.split(), "--tp-size", "2"])
    assert flags == ["--port", "1", *now.split(), "--tp-size", "2"]
    assert len(notices) == 1
    assert notices[0].startswith(old.split("=")[0].split()[0])
    assert why in notices[0]
    check(flags)


def test_names_of_today_stay_as_they_are() -> None:
    flags = "--mem-fraction-static 0.3 --tp-size=2 --dtype half --lora-paths a b --enable-metrics".split()
    same, notices = translate(flags)
    assert [item.values for item in split(same)] == [item.values for item in split(flags)]
    assert notices == []


@pytest.mark.parametrize("flag", ["--load-in-8bit=false", "--load-in-4bit=0"])
def test_an_old_switch_that_is_off_is_nothing(flag: str) -> None:
    assert translate([flag]) == ([], [])


def test_a_flag_of_today_wins_over_an_old_one_for_the_same() -> None:
    flags, notices = translate("--load-in-4bit --quantization w8a8_fp8 --max-model-len 2048".split())
    assert flags == "--quantization w8a8_fp8 --context-length 8192".split()
    assert "--load-in-4bit is left out" in notices[0]


def test_8_bit_is_left_out_on_a_card_that_has_none() -> None:
    assert translate(["--load-in-8bit"], (8, 0))[0] == ["--quantization", "fp8"]
    flags, notices = translate(["--load-in-8bit"], (7, 5))
    assert flags == []
    assert "older than Ampere" in notices[-1]


@pytest.mark.parametrize(
    ("flags", "part"),
    [
        ("--context-length 2048", f"{CONTEXT_FLOOR:,}"),
        ("--context-length 4Ki", f"{CONTEXT_FLOOR:,}"),
        ("--quantization bitsandbytes", "ends with an error"),
        ("--trust-remote-code", "runs code"),
    ],
)
def test_what_will_hurt_is_passed_on_with_a_warning(flags: str, part: str) -> None:
    same, notices = translate(flags.split())
    assert same == flags.split()
    assert part in notices[0]


@pytest.mark.parametrize(
    ("profile", "user", "both"),
    [
        ("--port 1 --dtype half", "--port 2", "--port 2 --dtype half"),
        ("--tp-size 2", "--tensor-parallel-size 4", "--tensor-parallel-size 4"),
        ("--port 1", "--port 2 --port=3", "--port 3"),
        ("--port 1", "--served-model-name x", "--port 1 --served-model-name x"),
        ("--mem-fraction-static 0.4", "--mem-frac 0.9", "--mem-fraction-static 0.9"),
        ("--dllm-fdfo", "--no-dllm-fdfo", "--no-dllm-fdfo"),
        ("", "--no-dllm-fdf", "--no-dllm-fdfo"),
        # what the profile calculated from the value that the user replaces goes too
        (
            "--mem-fraction-static 0.4 --max-total-tokens 9",
            "--mem-fraction-static 0.9",
            "--mem-fraction-static 0.9",
        ),
        ("--max-total-tokens 9", "--mem-fraction-static 0.9", "--mem-fraction-static 0.9"),
        ("--dp-size 2", "--tp-size 2", "--tp-size 2"),
        (
            "--max-total-tokens 9",
            "--max-total-tokens 8 --mem-fraction-static 0.9",
            "--max-total-tokens 8 --mem-fraction-static 0.9",
        ),
    ],
)
def test_the_users_flags_win_and_none_is_there_twice(profile: str, user: str, both: str) -> None:
    assert merge(profile.split(), user.split()) == both.split()


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("8192", 8192),
        ("8Ki", 8192),
        ("8k", 8000),
        ("1.5k", 1500),
        ("2Mi", 2**21),
        ("1.5Ki", None),
        ("8K", None),
    ],
)
def test_sizes_are_read_as_sglang_does(text: str, size: int | None) -> None:
    assert parse_size(text) == size


def test_a_value_that_begins_with_a_dash_stays_a_value() -> None:
    assert merge([], ["--api-key=-secret"]) == ["--api-key=-secret"]
    assert merge([], ["--random-seed", "-1"]) == ["--random-seed", "-1"]
    check(["--api-key=-secret", "--random-seed", "-1"])


def test_an_old_name_that_the_parser_still_takes_is_no_mistake() -> None:
    check(["--disable-cuda-graph"])


def test_the_value_of_a_flag() -> None:
    flags = "--port 1 --enable-metrics --port 2".split()
    assert value_of(flags, "--port") == "2"
    assert value_of(flags, "--enable-metrics") == ""
    assert value_of(flags, "--host") is None


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        ("--mem-fration-static 0.3", "has no flag --mem-fration-static. Did you mean --mem-fraction-static?"),
        ("--gpu-profle 8gb", "Did you mean --gpu-profile?"),
        ("--xyzzy-plugh", "has no flag --xyzzy-plugh."),
        ("--port", "--port needs a value"),
        ("--port http", "--port needs a whole number, not 'http'"),
        ("--mem-fraction-static half", "needs a number, not 'half'"),
        ("--context-length long", "needs a whole number such as 8192 or 8Ki, not 'long'"),
        ("--enable-metrics=yes", "takes no value"),
        ("--quantization int4", "must be one of"),
        ("--port 1 2", "'2' is not a flag"),
        ("stray --port 1", "'stray' is not a flag"),
        ("--max-model-len", "--max-model-len needs a value"),
    ],
)
def test_what_the_parser_would_refuse_is_said_in_a_sentence(flags: str, sentence: str) -> None:
    with pytest.raises(OptionInvalid) as caught:
        check(translate(flags.split())[0], ["--gpu-profile"])
    assert sentence in caught.value.message
