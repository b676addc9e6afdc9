"""The finder of unchecked results finds planted ones and lets honest cells pass."""

import pytest
from conditions import faults, only_tells, own_seeds

HONEST = [
    "claims, family = r.Claims(), r.Family(3)",
    """sinks = claims.check("گرادیان کوچک می‌شود", np.median(f) >= 3, "{f:spread .1f} برابر", f=f)
r.tell("گرادیان {f:spread .1f} برابر {ok:کوچک‌تر شد|کوچک‌تر نشد}.", f=f, ok=sinks)""",
    """v = family.compare({"adam": a, "sgd": b}, margin=1.1)
made = family.against("sgd", {"adam": a, "sgd": b})
r.tell("{v:verdict}؛ {lower:پس تندتر است|پس تندتر نیست}.", v=v, lower=v.first_lower)
r.tell("{v:verdict}", v=made["adam"])""",
    """deep = {n: claims.check("ژرف", x[n] > 3, "{x:.1f}", x=x[n]) for n in names}
r.show(fig, "a", takeaway="سیگموئید {ok:کند|تند} است.", ok=deep["sigmoid"], data="ده بذر.", alt="…")
r.show(fig, "b", takeaway="{v:verdict}.", v=v, data="میانۀ {n} بذر.", n=ten, alt="…")
r.show(fig, "c", data="ده نمونۀ نخست.", alt="…")
r.show(fig, "d", takeaway=None, data="ده نمونۀ نخست.", alt="…")""",
    """if sinks:
    r.tell("در {x:.1f} گام.", x=np.median(x[:, -1]))
r.table(["روش"], [[r.told("{x:.1f}", x=x)]])
text = "شبکه" + f"{r.fa(d)} لایه"
r.label(ax, title="آموزش" if row == 0 else None)
answers.fill(r.told("{ok:آری|نه}", ok=sinks))
claims.close(ratio=a / b)""",
]


def test_honest_cells_pass():
    assert faults(HONEST) == []


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ('r.tell("{ok:آری|نه}", ok=np.median(f) > 2)', "no claim's truth value"),
        ('ok = np.median(f) > 2\nr.tell("{ok:آری|نه}", ok=ok)', "no claim's truth value"),
        ('sinks = x > 2\nr.tell("{ok:آری|نه}", ok=sinks)', "no claim's truth value"),
        ('r.tell("{ok:آری|نه}", ok=not sinks)', "computed inside"),
        ('r.tell("{x:.1f}", x=-x)', "computed inside"),
        ('r.tell("{ok:آری|نه}", ok=not True)', "no claim's truth value"),
        ('r.tell("{ok:آری|نه}", ok=sinks and x > 2)', "computed inside"),
        ('both = sinks and deep\nr.tell("{ok:آری|نه}", ok=both)', "no claim's truth value"),
        ('r.tell("{ok:آری {y:تند|کند}|نه}", ok=sinks, y=x > 1)', "{y} is no claim's"),
        ('r.tell("{ok:آری|نه}", ok=v.low < 1)', "no claim's truth value"),
        ('r.tell("{ok:آری|نه}", ok=v.anything)', "no claim's truth value"),
        ('r.tell("{x:.1f}", x=a / b)', "x is computed inside the sentence"),
        ('claims.check("ادعا", x > 2, "{x:.1f}", x=a - b)', "x is computed inside"),
        ('claims.check(f"ادعا {x}", x > 2, "{x:.1f}", x=x)', "no literal string"),
        ('r.tell(f"{x} خطا")', "no literal string"),
        ('r.tell("الف" + text)', "no literal string"),
        ('r.tell("سیگموئید یاد نمی‌گیرد.")', "has no field"),
        ('r.show(fig, "a", "سیگموئید کند است.", "…")', "caption in one piece"),
        ('r.show(fig, "a", takeaway="سیگموئید کند است.", data="…", alt="…")', "no claim checks"),
        ('r.show(fig, "a", takeaway="{x:.1f} برابر", x=x, data="…", alt="…")', "no claim checks"),
        ('r.show(fig, "a", data="{ok:کند|تند}", ok=x > 1, alt="…")', "no claim's truth value"),
        ('word = "کند" if x > 1 else "تند"', "words chosen by if"),
        ('word = x > 1 and "کند"', "words chosen by and/or"),
        ('word = ("کند", "تند")[x > 1]', "a condition as an index"),
        ('if x > 1:\n    r.tell("در {x:.1f} گام.", x=x)', "under a condition that no claim checks"),
        ('r.table(["الف"], [["✓" if x > 1 else "✗"]])', "a condition of its own"),
        ('answers.fill("سیگموئید کند است.")', "told(…) sentences only"),
        ('claims.check("گرادیان کوچک می‌شود", x > 1, "{x}", x=x)', "two claims say"),
    ],
)
def test_a_planted_result_is_found(cell, message):
    found = faults([*HONEST, cell])
    assert any(message in fault for fault in found), found


def test_cells_that_only_tell():
    assert only_tells(HONEST[1]) and not only_tells(HONEST[2])
    assert not only_tells("runs = nn.sweep(x, data, r.seeds())\nr.tell('{n}', n=3)")


@pytest.mark.parametrize(
    "cell",
    [
        "rng = np.random.default_rng(0)",
        "nn.sweep(x, data)",
        "nn.sweep(x, data, seeds=range(3))",
        "nn.sweep(x, data, [0, 1])",
        "e.network(0)",
        "e.network(seed=0)",
        "nn.MLP([3, 1], 'tanh', 'he', 0)",
        "nn.train(net, data, o, seed=1)",
    ],
)
def test_seeds_of_ones_own_are_found(cell):
    assert own_seeds(cell)


def test_the_reports_seeds_pass():
    assert not own_seeds(
        "nn.sweep(x, data, r.seeds())\nr.rng('toy', seed)\ne.network(r.FIRST_SEED)\n"
        "nn.train(net, data, o, seed=seed)\nnn.MLP([3, 1], 'tanh', 'he', s)"
    )
