# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: the Reeve authors
"""Checks a log from outside, by the C2SP texts signed-note, tlog-checkpoint, tlog-tiles and tlog-proof alone."""
import base64, hashlib, re, sys
from pathlib import Path
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
def need(condition, message):
    if not condition: raise ValueError(message)
def sha(*parts): return hashlib.sha256(b"".join(parts)).digest()
def unbase64(text, length=None):
    data = base64.b64decode(text, validate=True)
    need(base64.b64encode(data).decode() == text and length in (None, len(data)), f"bad base64: {text}")
    return data
def number(text):
    need(re.fullmatch("0|[1-9][0-9]{0,17}", text), f"not a plain decimal number: {text}")
    return int(text)
def read_vkey(text):
    name, key_id, blob = text.split("+", 2)
    blob = unbase64(blob, 33)
    need(blob[0] == 1 and re.fullmatch(r"\S+", name), "not an Ed25519 verifier key")
    need(sha(name.encode(), b"\n", blob)[:4].hex() == key_id.lower(), "the verifier key's id is not its hash")
    return name, bytes.fromhex(key_id), Ed25519PublicKey.from_public_bytes(blob[1:])
def open_checkpoint(data, vkey):
    body, gap, tail = data.decode("utf-8").rpartition("\n\n")
    need(gap and tail.endswith("\n") and not re.search("[\x00-\x09\x0b-\x1f]", body + tail), "malformed note")
    signed = False
    for line in tail[:-1].split("\n"):
        need(match := re.fullmatch(r"\u2014 ([^\s+]+) (\S+)", line), f"malformed signature line: {line}")
        signature = unbase64(match[2])
        if (match[1], signature[:4]) == vkey[:2]:  # a signature by any other key is passed over
            signed = vkey[2].verify(signature[4:], (body + "\n").encode()) is None  # raises when wrong
    lines = body.split("\n")
    need(signed, "the checkpoint is not signed by the given key")
    need(len(lines) >= 3 and all(lines), "a checkpoint has at least three lines, and none is empty")
    return lines[0], number(lines[1]), unbase64(lines[2], 32)
def split(size): return 1 << (size - 1).bit_length() - 1  # the largest power of two below size
def tree_root(hashes):
    if len(hashes) < 2: return hashes[0] if hashes else sha()
    return sha(b"\x01", tree_root(hashes[:(k := split(len(hashes)))]), tree_root(hashes[k:]))
def climb(leaf, index, size, path):
    need((size == 1) == (not path), "the proof has a wrong number of hashes")
    if size == 1: return leaf
    if index < (k := split(size)): return sha(b"\x01", climb(leaf, index, k, path[:-1]), path[-1])
    return sha(b"\x01", path[-1], climb(leaf, index - k, size - k, path[:-1]))
def stored(folder, n, parse):  # what lies at index n, by width: 256 for the full tile, and any partial ones
    groups = re.findall("...", str(n).zfill(-(-len(str(n)) // 3) * 3))
    full = folder / "/".join(["x" + group for group in groups[:-1]] + groups[-1:])
    files = {int(part.name): part for part in Path(f"{full}.p").glob("*") if re.fullmatch("[1-9][0-9]{0,2}", part.name)}
    if full.is_file(): files[256] = full
    tiles = {width: parse(file.read_bytes()) for width, file in files.items()}
    for width in tiles: need(len(tiles[width]) == width, f"{files[width]} does not hold {width} items")
    return tiles
def leaf_hashes(data):
    hashes, at = [], 0
    while at < len(data):
        start, at = at + 2, at + 2 + int.from_bytes(data[at:at + 2], "big")
        need(start <= at <= len(data), "an entry bundle is cut short")
        hashes.append(sha(b"\x00", data[start:at]))
    return hashes
def tile_hashes(data): return [data[i:i + 32] for i in range(0, len(data), 32)]
def count_tiles(folder, hashes, parse):
    found = [(start, tile) for start in range(0, len(hashes), 256) for tile in stored(folder, start // 256, parse).values()]
    wrong = [start for start, tile in found if any(a != b for a, b in zip(tile, hashes[start:start + 256]))]
    need(not wrong, f"wrong tiles of {folder} at {wrong}")
    return len(found)
def main(vkey, folder, *rest):
    vkey, tile = read_vkey(vkey), Path(folder, "tile")
    origin, size, root = open_checkpoint(Path(folder, "checkpoint").read_bytes(), vkey)
    print(f"ok: the checkpoint of {origin} with {size} entries is signed by {vkey[0]}")
    leaves = []
    for start in range(0, size, 256):
        width, bundles = min(256, size - start), stored(tile / "entries", start // 256, leaf_hashes)
        need(width in bundles or 256 in bundles, f"no bundle of the entries from {start} to {start + width - 1}")
        leaves += bundles.get(width, bundles.get(256))[:width]
    need(tree_root(leaves) == root, "the entries do not hash to the checkpoint's root")
    print(f"ok: {count_tiles(tile / 'entries', leaves, leaf_hashes)} bundles of entries hash to the checkpoint's root")
    print(f"ok: {count_tiles(tile / '0', leaves, tile_hashes)} tiles of level 0 hold the entries' hashes")
    if len(rest) % 2:
        held_origin, held, held_root = open_checkpoint(Path(rest[0]).read_bytes(), vkey)
        need(held_origin == origin, "the held checkpoint is of another log")
        need(held <= size, f"truncated: the held checkpoint has {held} entries, the log {size}")
        need(tree_root(leaves[:held]) == held_root, f"forked: the first {held} entries are not the held checkpoint's")
        print(f"ok: the log extends the held checkpoint of {held} entries")
    if len(rest) > 1:
        head, _, note = Path(rest[-2]).read_bytes().partition(b"\n\n")
        form = re.fullmatch("c2sp.org/tlog-proof@v1\n(extra .*\n)?index (.*)((?:\n.+)*)", head.decode("utf-8"))
        need(form, "not a c2sp.org/tlog-proof@v1")
        index, path = number(form[2]), [unbase64(line, 32) for line in form[3].split("\n")[1:]]
        proof_origin, proved, proof_root = open_checkpoint(note, vkey)
        need(proof_origin == origin and index < proved, "the proof is of another log, or of no entry")
        reached = climb(sha(b"\x00", Path(rest[-1]).read_bytes()), index, proved, path)
        need(reached == proof_root, "the leaf is not where the proof says")
        need(proved > size or tree_root(leaves[:proved]) == proof_root, "forked: the proof is not of these entries")
        print(f"ok: the leaf is entry {index} of the proof's {proved} entries")
if __name__ == "__main__":
    if not 3 <= len(sys.argv) <= 6: sys.exit("usage: verify_log.py VKEY LOGFOLDER [HELD_CHECKPOINT] [PROOFFILE LEAFFILE]")
    try: main(*sys.argv[1:])
    except (ValueError, OSError, InvalidSignature) as error:
        sys.exit(print(f"failed: {str(error) or 'a signature is wrong'}") or 1)
