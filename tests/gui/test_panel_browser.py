"""The list of body parts beside the frame."""

from __future__ import annotations


def test_long_names_of_body_parts_can_be_told_apart(project, served, new_page, labelling):
    names = [f"left hind paw, third toe {number}" for number in range(1, 12)]
    config = project.root / "config.yaml"
    text = config.read_text(encoding="utf-8").replace("snout, leftear, rightear, tail base", "BODYPARTS")
    config.write_text(text.replace("[BODYPARTS]", str(names)).replace("[[snout, tail base]]", "[]"), encoding="utf-8")
    page = new_page(served("label").start())
    labelling(page)
    found = page.eval_on_selector_all(
        ".chip .name",
        "all => all.map(n => [n.textContent, n.scrollWidth - n.clientWidth, n.getBoundingClientRect().left])",
    )
    assert [name for name, _, _ in found] == names
    assert {beyond for _, beyond, _ in found} == {0}, "no name is cut off"
    assert len({left for _, _, left in found}) == 1, "with and without a key, names begin at the same place"
