"""The register of problems: each is told once, its end too, and many do not fill the log."""

from __future__ import annotations

from gradio_app.base.problems import MOST, Problem, Problems


def test_a_problem_counts_until_it_is_mended() -> None:
    problems = Problems()
    problems.report(Problem("folder", "a", "ann", "first"))
    version = problems.version
    problems.report(Problem("folder", "a", "ann", "first"))
    assert (problems.version, problems.count("folder")) == (version, 1)
    problems.report(Problem("folder", "a", "ann", "second"))
    assert problems.version > version and problems.count("folder") == 1
    problems.mend("folder", "b", "over")
    problems.mend("folder", "a", "over")
    assert not problems.has("folder", "a") and problems.count("folder") == 0


def test_one_owners_many_problems_hide_nobody_elses() -> None:
    problems = Problems()
    for number in range(2 * MOST):
        problems.report(Problem("file", str(number), "ann", "bad"))
    problems.report(Problem("folder", "a", "ann", "gone"))
    problems.report(Problem("file", "x", "bob", "bad"))
    assert problems.count("file") == MOST + 1 and problems.count("folder") == 1
    assert [problem.place for problem in problems.seen_by("bob", admin=False)] == ["x"]
    assert len(problems.seen_by("eve", admin=True)) == MOST + 2
    problems.forget("file", {"x"})
    assert problems.count("file") == 1
