-- The audit log: entries that can be proved, bodies that can be erased, questions that are answered once.
-- SQLite has no COMMENT ON, so every column says beside it what it holds.

-- Where the log stands. One row, written by every transaction that appends.
CREATE TABLE head (
    log       INTEGER PRIMARY KEY CHECK (log = 1), -- always 1: there is one log
    identity  BLOB    NOT NULL,                    -- 16 random bytes of the log's first day: another log in this file's place is noticed
    size      INTEGER NOT NULL,                    -- number of entries; the index of the next one
    last_at   INTEGER NOT NULL                     -- time of the newest entry, microseconds since 1970-01-01 UTC
) STRICT;

-- The leaves. Nothing here is about a person; nothing here is ever changed or deleted.
CREATE TABLE entry (
    idx       INTEGER PRIMARY KEY,                 -- place in the log, from 0 without gaps
    decision  BLOB    NOT NULL,                    -- id of the decision (UUIDv7); the intent and the answer of a question share it
    leaf      BLOB    NOT NULL                     -- the exact JSON bytes that are hashed; never written anew
) STRICT;

CREATE INDEX entry_decision ON entry (decision);

-- What is personal about an entry. Deleting the row erases body, salts and tags together; the leaf stays provable.
CREATE TABLE body (
    idx          INTEGER PRIMARY KEY,              -- the entry
    sealed       BLOB NOT NULL,                    -- encrypted: the salt of the body's commitment, then the body
    subject_tag  BLOB,                             -- keyed tag of whose data it is about (16 bytes; key per provider and quarter)
    official_tag BLOB,                             -- keyed tag of the official who asked (16 bytes; key per quarter)
    case_tag     BLOB                              -- keyed tag of the case number (16 bytes; key per quarter)
) STRICT;

CREATE INDEX body_subject ON body (subject_tag) WHERE subject_tag IS NOT NULL;
CREATE INDEX body_official ON body (official_tag) WHERE official_tag IS NOT NULL;
CREATE INDEX body_case ON body (case_tag) WHERE case_tag IS NOT NULL;

-- Every question once: reserved in the transaction of its first entry.
CREATE TABLE request (
    caller     TEXT NOT NULL,                      -- URI of the system that asks
    request_id BLOB NOT NULL,                      -- its id of the question (UUID)
    content    BLOB NOT NULL,                      -- keyed digest of what was asked (32 bytes): without the key nothing can be guessed from it
    intent     INTEGER,                            -- the newest intent entry, if a department was to be asked
    answer     INTEGER,                            -- the answer's entry; absent while the question is open
    PRIMARY KEY (caller, request_id)
) STRICT, WITHOUT ROWID;

-- Intents that no answer and no `abandoned` entry has closed yet.
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
