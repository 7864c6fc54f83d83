"""What only a browser can tell: nothing is wider than the narrowest pane that shows a report."""

import html as escaping
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from loanwright.evaluation.evidence import Importance
from loanwright.evaluation.report import render
from tests.builders.evidence import build_comparison, build_evidence, build_judgement, build_lineage, build_model

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
PROBE = """<!DOCTYPE html><title>waiting</title>
<iframe id="pane" style="border:0; width:430px; height:900px" srcdoc="{page}"></iframe>
<script>pane.onload = () => {{
  const page = pane.contentDocument, width = page.documentElement.clientWidth;
  const wide = [...page.querySelectorAll("body *")].filter(one => one.getBoundingClientRect().right > width + 0.5);
  const lines = one => {{
    const text = page.createRange();
    text.selectNodeContents(one);
    return new Set([...text.getClientRects()].map(box => box.top)).size;
  }};
  const split = [...page.querySelectorAll(".parts tbody th, .parts .value, .slices tbody tr:not(.group) th")].filter(
    one => one.textContent.length < 14 && !/[ _]/.test(one.textContent) && lines(one) > 1);
  wide.push(...split);
  document.title = page.documentElement.scrollWidth <= width && !wide.length ? "fits" : "too wide: " + wide.map(
    one => one.tagName + " " + one.textContent.slice(0, 40)).join("; ");
}}</script>"""


@pytest.mark.slow
@pytest.mark.skipif(BROWSER is None, reason="no browser is installed")
def test_nothing_is_wider_than_a_pane_of_430_pixels_and_no_word_is_broken(tmp_path: Path) -> None:
    assert BROWSER is not None
    features = [
        Importance(
            feature=f"a_feature_as_long_as_any_name_may_be_{i:026}", gain_share=0.1, mean_abs_shap=0.1, direction=0.5
        )
        for i in range(25)
    ]
    evidence, comparison = build_evidence(importance=features, label="x" * 63), build_comparison()
    days = {"from_time": "2005-10-01T00:00:00Z", "to_time": "2006-10-31T00:00:00Z"}
    parts = tuple(part.model_copy(update=days) for part in evidence.parts)
    first, *others = evidence.slices
    slices = (first.model_copy(update={"value": "professionals"}), *others)
    evidence = evidence.model_copy(update={"parts": parts, "slices": slices})
    judgement = build_judgement(evidence, auc_floor=0.9, comparison=comparison)
    page = render(evidence, judgement, build_model(), build_lineage(), comparison, synthetic=True, currency="EUR")
    page = re.sub(r"<meta http-equiv=[^>]*>", "", page)
    probe = tmp_path / "probe.html"
    probe.write_text(PROBE.format(page=escaping.escape(page)), encoding="utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
    shown = subprocess.run(
        [BROWSER, *options, f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", probe.as_uri()],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    found = re.search(r"<title>(.*?)</title>", shown.stdout, re.DOTALL)
    assert found is not None
    assert found[1] == "fits"
