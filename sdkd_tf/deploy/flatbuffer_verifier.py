"""Whether bytes are a FlatBuffer of a schema: following its offsets never leaves them, and never takes long.

A schema is described by its tables. A table is a tuple of its fields in the order of their slots, and a field is

    "i"                 a number, as the module `struct` writes its type
    STRING              a string
    ["i"], [TABLE]      a vector of numbers or of tables
    TABLE               a table
    {1: TABLE, ...}     a union: its members by type, which the slot before holds
    None                a field that may not be there

so that a file with a field that the description lacks is refused: nobody has looked at where it leads.
"""

import struct

STRING = "string"
_MAX_TABLES = 100_000  # a file of this package has some thousand
_MAX_SHARING = 16  # times the file's size: equal vectors may be written once, but not stand for endless data


def verify(content, root, identifier):
    """Checks the bytes from the root table on; what lies behind the last table, such as an archive, may be anything.

    Args:
      content: bytes.
      root: the root table's description.
      identifier: the four bytes behind the first offset.

    Raises:
      ValueError: an offset leads out, a number is not aligned, a string is no UTF-8 or does not end in a zero, a union's type is unknown, a
        field is not described, or tables and vectors are shared without end.
    """
    if content[4:8] != identifier:
        raise ValueError(f"has no identifier {identifier.decode()}")
    verifier = _Verifier(content)
    verifier.table(verifier.follow(0), root)


class _Verifier:
    def __init__(self, content):
        self._content = content
        self._tables, self._bytes = _MAX_TABLES, _MAX_SHARING * len(content)

    def number(self, position, form):
        size = struct.calcsize(form)
        if position % size or not 0 <= position <= len(self._content) - size:
            raise ValueError(f"leads to byte {position}, where no number of {size} bytes can be")
        return struct.unpack_from(f"<{form}", self._content, position)[0]

    def follow(self, position):
        return position + self.number(position, "I")

    def table(self, position, fields):
        self._tables -= 1
        if self._tables < 0:
            raise ValueError(f"has more than {_MAX_TABLES} tables")
        slots = position - self.number(position, "i")
        size, extent = self.number(slots, "H"), self.number(slots + 2, "H")
        if size < 4 or size % 2 or slots + size > len(self._content) or position + extent > len(self._content):
            raise ValueError(f"has a broken table at byte {position}")
        kind = 0  # the number before, which is the type if the next field is a union
        for slot in range((size - 4) // 2):
            offset = self.number(slots + 4 + 2 * slot, "H")
            field = fields[slot] if slot < len(fields) else None
            if not offset:
                if isinstance(field, dict) and kind:
                    raise ValueError(f"has a union without a value at byte {position}")
                kind = 0
                continue
            if field is None:
                raise ValueError(f"has an unknown field, number {slot} of the table at byte {position}")
            width = struct.calcsize(field) if isinstance(field, str) and field is not STRING else 4
            if offset < 4 or offset + width > extent:
                raise ValueError(f"has a field outside of its table at byte {position}")
            if isinstance(field, dict):
                if kind not in field:
                    raise ValueError(f"has a union of unknown type {kind} at byte {position}")
                field = field[kind]
            kind = self.field(position + offset, field)

    def field(self, position, field):
        """Checks a field's value; returns it if it is a number."""
        if isinstance(field, tuple):
            self.table(self.follow(position), field)
        elif field is STRING:
            start = self.follow(position)
            end = self.vector(start, "B")
            self._content[start + 4 : end].decode()
            if self.number(end, "B"):
                raise ValueError(f"has a string without an end at byte {end}")
        elif isinstance(field, list):
            start, (item,) = self.follow(position), field
            if isinstance(item, str):
                self.vector(start, item)
            else:
                end = self.vector(start, "I")
                for entry in range(start + 4, end, 4):
                    self.table(self.follow(entry), item)
        else:
            return self.number(position, field)
        return 0

    def vector(self, position, form):
        """Checks a vector of numbers; returns where it ends."""
        size = struct.calcsize(form)
        length = self.number(position, "I")
        end = position + 4 + length * size
        self._bytes -= length * size
        if end > len(self._content) or (length and (position + 4) % size):
            raise ValueError(f"has a vector at byte {position} that leads out of the file or is not aligned")
        if self._bytes < 0:
            raise ValueError("shares its vectors without end")
        return end
