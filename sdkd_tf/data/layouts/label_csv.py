"""The challenge's first round: `{split}/batch{1..9}/label.csv` lists the images in its folder and their labels."""

import csv
import io
import pathlib

from sdkd_tf.data.layouts.listing import Images, Layout, Listing, Part, locate, task_folders
from sdkd_tf.data.layouts.names import canonical
from sdkd_tf.errors import UserError
from sdkd_tf.files import read_text


def read(root: pathlib.Path) -> Layout:
    """Reads the batches in the order of their numbers. Classes are named after their labels."""
    tasks = []
    for name, folders in task_folders(root).items():
        tasks.append(Listing(name, {split: _read_batch(root, folder) for split, folder in folders.items()}))
    return Layout("csv", tasks)


def _read_batch(root: pathlib.Path, folder: pathlib.Path) -> Part:
    file = folder / "label.csv"
    if not file.is_file():
        problem = f"{file}: no such file; expected one in every batch of train, validation and test"
        return Part(str(file), {}, [problem])
    try:
        text = read_text(file)
        delimiter = max(",;\t", key=text.partition("\n")[0].count)  # spreadsheets write semicolons in many locales
        reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
        rows = [(reader.line_num, row.get("file name") or "", row.get("label") or "") for row in reader]
        columns = reader.fieldnames or ()
    except (UnicodeDecodeError, csv.Error) as error:
        return Part(str(file), {}, [f"{file}: cannot be read ({error}); expected a CSV file in UTF-8"])
    if not {"file name", "label"} <= set(columns):
        problem = f"{file}: has the columns {', '.join(map(repr, columns))}; expected 'file name' and 'label'"
        return Part(str(file), {}, [problem])
    images: Images = {}
    problems: list[str] = []
    for line, name, label in rows:
        name, label = name.strip(), canonical(label)
        try:
            if not name or not label:
                raise UserError(f"{file}:{line}: lacks a value; expected a file name and a label")
            images.setdefault(label, []).append(locate(root, folder, name, f"{file}:{line}"))
        except UserError as error:
            problems.append(str(error))
    if not rows:
        problems.append(f"{file}: lists no images; expected one line per image")
    return Part(str(file), images, problems)
