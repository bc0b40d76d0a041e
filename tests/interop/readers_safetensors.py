# Reads every safetensors file of a listing, by the format's own description and nothing of ours, and compares names,
# types, shapes and bytes:  python3 readers_safetensors.py FOLDER
import json
import os
import struct
import sys


def no_doubles(pairs):
    assert len(dict(pairs)) == len(pairs), "a key twice"
    return dict(pairs)


def hash_of(data):
    value = 2166136261
    for byte in data:
        value = (value ^ byte) * 16777619 & 0xFFFFFFFF
    return value


def read(folder, name):
    with open(os.path.join(folder, name), "rb") as file:
        content = file.read()
    (size,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + size].decode("utf-8"), object_pairs_hook=no_doubles)
    data, covered, lines = content[8 + size :], 0, set()
    notes = header.pop("__metadata__", {})
    assert all(isinstance(text, str) for text in notes.values()), "notes that are not text"
    for tensor, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        first, last = entry["data_offsets"]
        assert first == covered <= last <= len(data), f"{name}: {tensor}: a hole or an overlap"
        covered, shape = last, ",".join(map(str, entry["shape"]))
        columns = ["tensor", name, tensor, entry["dtype"], shape, last - first, hash_of(data[first:last])]
        lines.add("\t".join(map(str, columns)))
    assert covered == len(data), f"{name}: bytes of no tensor"
    return lines, covered, header.keys()


folder = sys.argv[1]
with open(os.path.join(folder, "listing.txt"), encoding="utf-8") as file:
    wanted = {line for line in file.read().splitlines() if line.split("\t")[1].endswith(".safetensors")}
files = sorted({line.split("\t")[1] for line in wanted})
found, sizes, place = set(), {}, {}
for name in files:
    lines, sizes[name], tensors = read(folder, name)
    found |= lines
    place.update({tensor: os.path.basename(name) for tensor in tensors if name.startswith("sharded/")})
for line in sorted(wanted ^ found):
    print("not read: " if line in wanted else "read only:", line)
with open(os.path.join(folder, "sharded", "model.safetensors.index.json"), encoding="utf-8") as file:
    index = json.load(file, object_pairs_hook=no_doubles)
assert index["weight_map"] == place, "the index is of other tensors"
assert index["metadata"]["total_size"] == sum(size for name, size in sizes.items() if name.startswith("sharded/"))
print(f"{len(files)} files, {len(found)} tensors, {len(wanted ^ found)} differences")
sys.exit(0 if wanted == found and found else 1)
