"""A GGUF file taken apart and put together again, so that tests can break any part of it."""

import struct

STRING, ARRAY = 8, 9
SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
ALIGNMENT = 32


class Draft:
    """keys: [name, type, value]; an array's value is [element type, elements]. Names and texts are bytes.
    tensors: dictionaries with name, shape (innermost first), type, offset. data: all bytes of the data section."""

    def __init__(self, path):
        self.path = path
        self.content = path.read_bytes()
        self.at = 8
        tensor_count, key_count = self._take("Q"), self._take("Q")
        self.keys = [self._key() for _ in range(key_count)]
        self.tensors = [self._tensor() for _ in range(tensor_count)]
        self.data = self.content[(self.at + ALIGNMENT - 1) // ALIGNMENT * ALIGNMENT:]

    def _take(self, code):
        value = struct.unpack_from("<" + code, self.content, self.at)[0]
        self.at += struct.calcsize(code)
        return value

    def _text(self):
        size = self._take("Q")
        self.at += size
        return self.content[self.at - size:self.at]

    def _value(self, kind):
        if kind == STRING:
            return self._text()
        if kind == ARRAY:
            inner, count = self._take("I"), self._take("Q")
            return [inner, [self._value(inner) for _ in range(count)]]
        return self._take(SCALARS[kind])

    def _key(self):
        name, kind = self._text(), self._take("I")
        return [name, kind, self._value(kind)]

    def _tensor(self):
        name, rank = self._text(), self._take("I")
        return {"name": name, "shape": [self._take("Q") for _ in range(rank)], "type": self._take("I"),
                "offset": self._take("Q")}

    def key(self, name):
        return next(key for key in self.keys if key[0] == name)

    def tensor(self, name):
        return next(tensor for tensor in self.tensors if tensor["name"] == name)

    def write(self):
        out = b"GGUF" + struct.pack("<IQQ", 3, len(self.tensors), len(self.keys))
        for name, kind, value in self.keys:
            out += packed(STRING, name) + struct.pack("<I", kind) + packed(kind, value)
        for tensor in self.tensors:
            out += packed(STRING, tensor["name"]) + struct.pack("<I", len(tensor["shape"]))
            out += b"".join(struct.pack("<Q", size) for size in tensor["shape"])
            out += struct.pack("<IQ", tensor["type"], tensor["offset"])
        self.path.write_bytes(out + b"\0" * (-len(out) % ALIGNMENT) + self.data)


def packed(kind, value):
    if kind == STRING:
        return struct.pack("<Q", len(value)) + value
    if kind == ARRAY:
        inner, elements = value
        return struct.pack("<IQ", inner, len(elements)) + b"".join(packed(inner, element) for element in elements)
    return struct.pack("<" + SCALARS[kind], value)


def change(path, edit):
    """Applies `edit` to the draft of a file; a key or tensor list that it returns is not looked at."""
    draft = Draft(path)
    edit(draft)
    draft.write()
