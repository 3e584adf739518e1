-- The audit log: entries that can be proved, bodies that can be erased, questions that are answered once.
-- SQLite has no COMMENT ON, so every column says beside it what it holds.
-- An append touches the ends of three tables. What finds an entry again is filed later, many entries at a time: each key
-- would dirty a page of its own in every commit.

-- Which file this is, and how far finding has come. Nothing of it is part of the log.
CREATE TABLE file (
    log       INTEGER PRIMARY KEY CHECK (log = 1), -- always 1: there is one log
    identity  BLOB    NOT NULL,                    -- 16 random bytes of the log's first day: another log in this file's place is noticed
    filed     INTEGER NOT NULL                     -- entries before this one are all filed in `mention` and `open_intent`
) STRICT;

-- Where the log stands. One row, written by every transaction that appends.
CREATE TABLE head (
    log       INTEGER PRIMARY KEY CHECK (log = 1), -- always 1: there is one log
    size      INTEGER NOT NULL,                    -- number of entries; the index of the next one
    last_at   INTEGER NOT NULL,                    -- time of the newest entry, microseconds since 1970-01-01 UTC
    shard     INTEGER NOT NULL,                    -- the shard that grows: `shard.first`
    frontier  BLOB    NOT NULL                     -- roots of the perfect subtrees of its tree, largest first, 32 bytes each
) STRICT;

-- The parts of the log: the entries of a quarter, with a tree of their own.
CREATE TABLE shard (
    first     INTEGER PRIMARY KEY,                 -- index of its first entry in the log; places in its tree are counted from there
    origin    TEXT    NOT NULL UNIQUE              -- its name, as its checkpoints have it
) STRICT;

-- The signed checkpoint of every append. Never changed.
CREATE TABLE checkpoint (
    size      INTEGER PRIMARY KEY,                 -- number of entries of the whole log by then
    note      TEXT    NOT NULL                     -- the signed note
) STRICT;

-- Roots of the perfect subtrees of 256, 65,536 ... leaves, so that a proof of any day reads little.
CREATE TABLE subtree (
    shard     INTEGER NOT NULL,
    level     INTEGER NOT NULL,                    -- 1: 256 leaves, 2: 65,536, and so on
    idx       INTEGER NOT NULL,                    -- which one, from the left
    hash      BLOB    NOT NULL,                    -- 32 bytes
    PRIMARY KEY (shard, level, idx)
) STRICT, WITHOUT ROWID;

-- The leaves, and what an entry does. Nothing here is about a person; nothing here is ever changed or deleted, but for `content`,
-- which goes with the body.
CREATE TABLE entry (
    idx       INTEGER PRIMARY KEY,                 -- place in the log, from 0 without gaps
    decision  BLOB    NOT NULL,                    -- id of the decision (UUIDv7); the intent and the answer of a question share it
    leaf      BLOB    NOT NULL,                    -- the exact JSON bytes that are hashed; never written anew
    step      INTEGER NOT NULL,                    -- 0: stands alone, 1: intent, 2: answer, 3: closes an intent that was abandoned,
                                                   -- 4: erases others, 5: bodies of others are past retention
    closes    INTEGER,                             -- the intent that it closes
    question  BLOB,                                -- digest of the caller and its id of the question (16 bytes), for intents and answers
    content   BLOB                                 -- keyed digest of what was asked (32 bytes): without the key nothing can be guessed from it;
                                                   -- null once the body is erased or past retention
) STRICT;

-- What is personal about an entry. Deleting the row, and what `mention` says of its tags, erases body, salts and tags; the leaf
-- stays provable.
CREATE TABLE body (
    idx          INTEGER PRIMARY KEY,              -- the entry
    sealed       BLOB NOT NULL,                    -- encrypted: the salt of the body's commitment, then the body
    subject_tag  BLOB,                             -- keyed tag of whose data it is about (16 bytes; key per provider and quarter)
    official_tag BLOB,                             -- keyed tag of the official who asked (16 bytes; key per quarter)
    case_tag     BLOB                              -- keyed tag of the case number (16 bytes; key per quarter)
) STRICT;

-- What was erased: its body, reply, content and tags are gone, and the leaf of another entry says so.
CREATE TABLE erasure (
    idx       INTEGER PRIMARY KEY,                 -- the entry that was erased
    under     INTEGER NOT NULL                     -- the entry that states it, with its legal ground
) STRICT;

-- How far bodies are past retention. Their entries' leaves state every step of the way.
CREATE TABLE retained (
    term      TEXT    PRIMARY KEY,                 -- `use` or `technical`: which entries, see `Term`
    past      INTEGER NOT NULL                     -- no entry of this term before this index has a body any more
) STRICT, WITHOUT ROWID;

INSERT INTO retained (term, past) VALUES ('use', 0), ('technical', 0);

-- Which entries mention a key: a question, a decision, or a tag. All keys are 16 bytes and cannot be told apart by chance.
CREATE TABLE mention (
    key       BLOB    NOT NULL,
    idx       INTEGER NOT NULL,                    -- the entry
    PRIMARY KEY (key, idx)
) STRICT, WITHOUT ROWID;

-- Intents among the filed entries that no answer and no `abandoned` entry has closed yet.
CREATE TABLE open_intent (
    idx INTEGER PRIMARY KEY                        -- the intent's entry
) STRICT;

-- Replies, so that a repeated question is answered without asking anybody again. Kept for 24 hours.
CREATE TABLE reply (
    idx    INTEGER PRIMARY KEY,                    -- the answer's entry
    at     INTEGER NOT NULL,                       -- the machine's time when it was made, microseconds since 1970-01-01 UTC
    sealed BLOB    NOT NULL                        -- encrypted: the salt of the commitments to request and answer, then the reply
) STRICT;

-- Written and emptied again to learn whether the store takes writes after it failed.
CREATE TABLE probe (
    id      INTEGER PRIMARY KEY,                   -- always 1
    ballast BLOB NOT NULL                          -- zeros, a few pages of them: a full disk is noticed
) STRICT;
