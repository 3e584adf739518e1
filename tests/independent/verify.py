"""Verifies a Heyan receipt or a published audit log, with the log's public key and nothing else of it trusted.

    verify.py receipt FILE KEY        what a receipt of the case archive proves
    verify.py log FOLDER KEY          that a published or exported log is whole

KEY is a verifier key line (C2SP signed-note): name+id+base64. Formats: RFC 6962; C2SP tlog-checkpoint, tlog-proof, tlog-tiles.
"""
import base64, hashlib, hmac, io, json, pathlib, sys, time
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

sha = lambda data: hashlib.sha256(data).digest()
node = lambda left, right: sha(b"\x01" + left + right)

def b64(text):
    """Strictly: each value is written in one way."""
    data = base64.b64decode(text, validate=True)
    assert base64.b64encode(data).decode() == text, "a value in base64 is not written as it should be"
    return data

def checkpoint(note, key):
    """The origin, size and root of a signed checkpoint. A log's key has the name of the shard, which differs after the last slash."""
    text, signatures = note.rsplit("\n\n", 1)
    origin, size, root = (text + "\n").split("\n")[:3]
    name, public = key.split("+", 2)[0], b64(key.split("+", 2)[2])
    assert public[0] == 1 and origin.rsplit("/", 1)[0] == name.rsplit("/", 1)[0], "it is another log"
    key_id = sha(origin.encode() + b"\n" + public)[:4]
    ours = [b64(line.split(" ")[2]) for line in signatures.strip("\n").split("\n") if line.startswith(f"\u2014 {origin} ")]
    signed = [signature[4:] for signature in ours if signature[:4] == key_id]
    assert len(signed) == 1, "it is not signed by the key"
    Ed25519PublicKey.from_public_bytes(public[1:]).verify(signed[0], (text + "\n").encode())
    return origin, int(size), b64(root)

def receipt(text, key):
    data = json.loads(text)
    path, note = "".join(line + "\n" for line in data["proof"]).split("\n\n", 1)
    first, index, *path = path.split("\n")
    assert data["heyan_receipt"] == 1 and first == "c2sp.org/tlog-proof@v1", "it is of another version"
    origin, size, root = checkpoint(note, key)
    place = at = int(index.removeprefix("index "))
    assert 0 <= at < size, "it is not in the tree"
    reached, path, last = sha(b"\x00" + data["leaf"].encode()), [b64(line) for line in path], size - 1
    while last > 0:
        if at % 2 or at < last:
            reached = node(path.pop(0), reached) if at % 2 else node(reached, path.pop(0))
        at, last = at // 2, last // 2
    assert not path and reached == root, "its entry is not in the log"
    leaf = json.loads(data["leaf"])
    for name, part in (("req", "question"), ("ans", "answer")):
        commitment = hmac.digest(b64(data["salt"]), name.encode() + b64(data[part]), "sha256")
        assert base64.urlsafe_b64encode(commitment).rstrip(b"=").decode() == leaf[name], f"its {part} is another"
    assert leaf["at"] < (time.time() + 60) * 1e6, "its entry was made later than it is now"
    return f"{leaf['caller']} asked this and was answered this, entry {place} of the {size} of {origin}"

def log(folder, key):
    hashes, (origin, size, root) = [], checkpoint((folder / "checkpoint").read_text(), key)
    while len(hashes) < size:
        number, width = len(hashes) // 256, min(256, size - len(hashes))
        path = f"{number % 1000:03}" + (f".p/{width}" if width < 256 else "")
        while number := number // 1000:
            path = f"x{number % 1000:03}/{path}"
        bundle = io.BytesIO((folder / "tile/entries" / path).read_bytes())
        hashes += [sha(b"\x00" + bundle.read(int.from_bytes(bundle.read(2), "big"))) for _ in range(width)]
        assert not bundle.read(), "a bundle has more entries than the tree"
    while len(hashes) > 1:  # Neighbours are joined, and one that is left over goes up as it is.
        hashes = [node(*pair) if len(pair) == 2 else pair[0] for pair in (hashes[i:i + 2] for i in range(0, len(hashes), 2))]
    assert size == 0 or hashes == [root], "the entries are not those that were signed"
    return f"the {size} entries of {origin} are whole"

if __name__ == "__main__":
    what, where, key = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3]
    print({"receipt": lambda: receipt(where.read_bytes(), key), "log": lambda: log(where, key)}[what]())
