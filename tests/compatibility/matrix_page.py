"""The page of the matrix: written by the tests, read by the tests."""

from itertools import groupby
from pathlib import Path

from matrix_data import LAYOUTS
from matrix_outcomes import REMEDIES, UNSEEN_CELLS, WARNED

PAGE = Path(__file__).parents[2] / "docs" / "compatibility.md"

HEAD = """# Compatibility

Every estimator with scikit-learn's tools, in every layout. Each cell was run on small
data, and its scores or outputs were compared with those of a loop written by hand:
sequences cut by hand, the model fitted to the list of them, and so on. The tests write
this page (`pytest tests/compatibility --write-matrix`), and fail where it is not true.

| word | what happened |
| --- | --- |
| works | the numbers of the loop |
| warned | other numbers, as the tool did not pass `groups` on; the model warns |
| refused | an error; the notes below have the remedies |
| unseen | other numbers: the order of rows was lost before the model saw them |
| – | the tool is not for this kind of model or target |

The layouts: *rows* is one sequence; *groups* is rows of several sequences, with
metadata routing; *indexed rows* is a frame with an index of two levels; *3-D* and
*list* (of unequal lengths) have one y for each sequence. What is safe in a pipeline is
told in [Sequences](sequences.md#many-sequences-in-a-pipeline): indexed rows, or a
panel.

*Pipeline*, *ColumnTransformer* and *FeatureUnion* scale rows before the model sees
them; in a panel inside `PerTimestep`, in a frame with
`set_output(transform="pandas")`. Rows are split by `KFold(2)` or `TimeSeriesSplit`,
sequences by `GroupKFold`; in the row `StratifiedKFold` by that, label by label.
*Bagging, samples* draws rows, *columns* does not. *HalvingGridSearchCV, samples* begins
with fewer rows, *iterations* with fewer steps of training.

With a label for each step of a panel, some tools that take one label a sample refuse
("y should be a 1d array", "Unknown label type", "multilabel-indicator is not
supported"). What to use instead:

- of a string as `scoring`: `metrics.per_step_scorer("f1_macro")`;
- of `ConfusionMatrixDisplay.from_estimator`: `from_predictions`, of
  `*metrics.flatten_steps(y, model.predict(X))`;
- of `sklearn.inspection.permutation_importance`: that of `sklearn_seq.inspection`;
- of `CalibratedClassifierCV` and `OneVsRestClassifier` of a panel: the same of an
  indexed frame, or of rows, with a flat y.

"""


def render(marks):
    """The page of all marks.

    Parameters
    ----------
    marks : dict of {(estimator, layout): {tool: mark}}
    """
    names = list(dict.fromkeys(name for name, _ in marks))
    columns = {
        name: tuple(tuple(marks[name, layout].items()) for layout in LAYOUTS)
        for name in names
    }
    text = HEAD + "## Notes\n\n"
    text += "".join(f"- refused: {remedy}\n" for remedy in REMEDIES.values())
    text += "".join(
        f"- unseen, {layout}, *{tool}*: {reason}.\n"
        for (tool, layout), reason in UNSEEN_CELLS.items()
    )
    text += f"- {WARNED}: pass an indexed frame, which every tool keeps.\n"
    order = sorted(names, key=lambda name: list(columns.values()).index(columns[name]))
    for column, members in groupby(order, key=columns.get):
        text += "\n## " + ", ".join(members) + "\n\n"
        text += "| tool | " + " | ".join(LAYOUTS) + " |\n"
        text += "| --- |" + " --- |" * len(LAYOUTS) + "\n"
        for tool in dict(column[0]):
            cells = [dict(layout)[tool] for layout in column]
            text += f"| {tool} | " + " | ".join(cells) + " |\n"
    return text


def read(text):
    """The marks of a page: what `render` was given."""
    marks, members = {}, []
    for line in text.splitlines():
        if line.startswith("## "):
            members = line[3:].split(", ")
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) != len(LAYOUTS) + 1 or cells[0] in ("tool", "---"):
            continue
        for name in members:
            for layout, mark in zip(LAYOUTS, cells[1:], strict=True):
                marks.setdefault((name, layout), {})[cells[0]] = mark
    return marks
