"""Makes good files bad: one function per fault, each leaves everything else as it was."""

import json
import shutil
import struct

from command import SCRATCH


def copy_of(folder, name):
    """A fresh copy of a folder or file below the scratch folder."""
    target = SCRATCH / "hostile" / name
    if target.is_dir():
        shutil.rmtree(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    if folder.is_dir():
        shutil.copytree(folder, target)
    else:
        shutil.copy(folder, target)
    return target


def read_safetensors(path):
    content = path.read_bytes()
    (size,) = struct.unpack("<Q", content[:8])
    return json.loads(content[8:8 + size]), content[8 + size:]


def write_safetensors(path, header, data):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def tensor_names(header):
    return sorted(name for name in header if name != "__metadata__")


def cut(path, size_bytes):
    """Takes bytes off the end; a positive size is what remains."""
    path.write_bytes(path.read_bytes()[:size_bytes])


def change_header(path, change):
    header, data = read_safetensors(path)
    write_safetensors(path, change(header) or header, data)


def huge_header(path):
    path.write_bytes(struct.pack("<Q", 1 << 60) + path.read_bytes()[8:])


def overlapping(path):
    def change(header):
        first, second = tensor_names(header)[:2]
        header[second]["data_offsets"] = header[first]["data_offsets"]
        header[second]["shape"] = header[first]["shape"]
    change_header(path, change)


def outside(path):
    def change(header):
        name = tensor_names(header)[-1]
        begin, end = header[name]["data_offsets"]
        header[name]["data_offsets"] = [begin + (1 << 40), end + (1 << 40)]
    change_header(path, change)


def reversed_offsets(path):
    def change(header):
        name = tensor_names(header)[0]
        header[name]["data_offsets"].reverse()
    change_header(path, change)


def dtype(path, name):
    def change(header):
        header[tensor_names(header)[0]]["dtype"] = name
    change_header(path, change)


def duplicate_key(path):
    header, data = read_safetensors(path)
    name = tensor_names(header)[0]
    text = json.dumps(header)[:-1] + f', "{name}": {json.dumps(header[name])}}}'
    write_safetensors(path, text.encode(), data)


def bad_utf8(path):
    header, data = read_safetensors(path)
    name = tensor_names(header)[0].encode()
    write_safetensors(path, json.dumps(header).encode().replace(name, b"\xff\xfe" + name, 1), data)


def not_finite(path):
    """The first value of the first tensor becomes not-a-number; fp32 files only."""
    header, data = read_safetensors(path)
    begin = header[tensor_names(header)[0]]["data_offsets"][0]
    write_safetensors(path, header, data[:begin] + struct.pack("<f", float("nan")) + data[begin + 4:])


def without_tensor(path):
    def change(header):
        del header[tensor_names(header)[0]]
    change_header(path, change)


def reshaped(path):
    def change(header):
        name = next(name for name in tensor_names(header) if len(header[name]["shape"]) == 2)
        header[name]["shape"].reverse()
        header[name]["shape"] = [header[name]["shape"][0] * header[name]["shape"][1]]
    change_header(path, change)


def change_json(path, **values):
    """Sets keys of a JSON file; None removes a key."""
    document = json.loads(path.read_text())
    for key, value in values.items():
        document[key] = value
        if value is None:
            del document[key]
    path.write_text(json.dumps(document))


def patch(path, offset, content):
    data = bytearray(path.read_bytes())
    data[offset:offset + len(content)] = content
    path.write_bytes(bytes(data))


def in_bytes(path, old, new):
    """Replaces the first occurrence."""
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new, 1))
