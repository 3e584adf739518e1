-- The audit log in PostgreSQL: the same entries as in SQLite, for several gateways that share one log.
-- Entries are found by indexes: the server keeps what changes often in memory, so nothing is filed later.

CREATE TABLE file (
    log       smallint PRIMARY KEY CHECK (log = 1),
    identity  bytea    NOT NULL,
    version   integer  NOT NULL
);
COMMENT ON TABLE  file          IS 'Which log this is. Nothing of it is part of the log.';
COMMENT ON COLUMN file.identity IS '16 random bytes of the log''s first day: another log in this one''s place is noticed';
COMMENT ON COLUMN file.version  IS 'how many migrations were applied';

CREATE TABLE head (
    log       smallint PRIMARY KEY CHECK (log = 1),
    size      bigint   NOT NULL,
    last_at   bigint   NOT NULL,
    shard     bigint   NOT NULL,
    frontier  bytea    NOT NULL
);
COMMENT ON TABLE  head          IS 'Where the log stands. Whoever appends locks this row until its commit.';
COMMENT ON COLUMN head.size     IS 'number of entries; the index of the next one';
COMMENT ON COLUMN head.last_at  IS 'time of the newest entry, microseconds since 1970-01-01 UTC';
COMMENT ON COLUMN head.shard    IS 'the shard that grows: shard.first';
COMMENT ON COLUMN head.frontier IS 'roots of the perfect subtrees of its tree, largest first, 32 bytes each';

CREATE TABLE shard (
    first     bigint   PRIMARY KEY,
    origin    text     NOT NULL UNIQUE
);
COMMENT ON TABLE  shard         IS 'The parts of the log: the entries of a quarter, with a tree of their own.';
COMMENT ON COLUMN shard.first   IS 'index of its first entry in the log; places in its tree are counted from there';
COMMENT ON COLUMN shard.origin  IS 'its name, as its checkpoints have it';

CREATE TABLE checkpoint (
    size      bigint   PRIMARY KEY,
    note      text     NOT NULL
);
COMMENT ON TABLE  checkpoint      IS 'The signed checkpoint of every append. Never changed.';
COMMENT ON COLUMN checkpoint.size IS 'number of entries of the whole log by then';
COMMENT ON COLUMN checkpoint.note IS 'the signed note';

CREATE TABLE subtree (
    shard     bigint   NOT NULL,
    level     smallint NOT NULL,
    idx       bigint   NOT NULL,
    hash      bytea    NOT NULL,
    PRIMARY KEY (shard, level, idx)
);
COMMENT ON TABLE  subtree       IS 'Roots of the perfect subtrees of 256, 65,536 ... leaves, so that a proof of any day reads little.';
COMMENT ON COLUMN subtree.level IS '1: 256 leaves, 2: 65,536, and so on';
COMMENT ON COLUMN subtree.idx   IS 'which one, from the left';

CREATE TABLE entry (
    idx       bigint   PRIMARY KEY,
    decision  bytea    NOT NULL,
    leaf      bytea    NOT NULL,
    step      smallint NOT NULL,
    closes    bigint,
    question  bytea,
    content   bytea
);
CREATE INDEX entry_decision ON entry (decision, idx);
CREATE INDEX entry_question ON entry (question, idx) WHERE question IS NOT NULL;
COMMENT ON TABLE  entry          IS 'The leaves, and what an entry does. Nothing here is about a person; nothing is ever changed or deleted, but for content, which goes with the body.';
COMMENT ON COLUMN entry.idx      IS 'place in the log, from 0 without gaps';
COMMENT ON COLUMN entry.decision IS 'id of the decision (UUIDv7); the intent and the answer of a question share it';
COMMENT ON COLUMN entry.leaf     IS 'the exact JSON bytes that are hashed; never written anew';
COMMENT ON COLUMN entry.step     IS '0: stands alone, 1: intent, 2: answer, 3: closes an intent that was abandoned, 4: erases others, 5: bodies of others are past retention';
COMMENT ON COLUMN entry.closes   IS 'the intent that it closes';
COMMENT ON COLUMN entry.question IS 'digest of the caller and its id of the question (16 bytes), for intents and answers';
COMMENT ON COLUMN entry.content  IS 'keyed digest of what was asked (32 bytes); null once the body is erased or past retention';

CREATE TABLE body (
    idx          bigint PRIMARY KEY,
    sealed       bytea  NOT NULL,
    subject_tag  bytea,
    official_tag bytea,
    case_tag     bytea
);
CREATE INDEX body_subject  ON body (subject_tag, idx)  WHERE subject_tag IS NOT NULL;
CREATE INDEX body_official ON body (official_tag, idx) WHERE official_tag IS NOT NULL;
CREATE INDEX body_case     ON body (case_tag, idx)     WHERE case_tag IS NOT NULL;
COMMENT ON TABLE  body              IS 'What is personal about an entry. Deleting the row erases body, salts and tags; the leaf stays provable.';
COMMENT ON COLUMN body.sealed       IS 'encrypted: the salt of the body''s commitment, then the body';
COMMENT ON COLUMN body.subject_tag  IS 'keyed tag of whose data it is about (16 bytes; key per provider and quarter)';
COMMENT ON COLUMN body.official_tag IS 'keyed tag of the official who asked (16 bytes; key per quarter)';
COMMENT ON COLUMN body.case_tag     IS 'keyed tag of the case number (16 bytes; key per quarter)';

CREATE TABLE erasure (
    idx       bigint   PRIMARY KEY,
    under     bigint   NOT NULL
);
COMMENT ON TABLE  erasure       IS 'What was erased: its body, reply, content and tags are gone, and the leaf of another entry says so.';
COMMENT ON COLUMN erasure.under IS 'the entry that states it, with its legal ground';

CREATE TABLE retained (
    term      text     PRIMARY KEY,
    past      bigint   NOT NULL
);
COMMENT ON TABLE  retained      IS 'How far bodies are past retention. Their entries'' leaves state every step of the way.';
COMMENT ON COLUMN retained.past IS 'no entry of this term before this index has a body any more';
INSERT INTO retained (term, past) VALUES ('use', 0), ('technical', 0);

CREATE SEQUENCE replica AS integer;
COMMENT ON SEQUENCE replica IS 'Numbers the gateways that write. One that lives holds the advisory lock of its number.';

CREATE TABLE open_intent (
    idx       bigint   PRIMARY KEY,
    replica   integer  NOT NULL
);
COMMENT ON TABLE  open_intent         IS 'Intents that no answer and no abandoned entry has closed yet.';
COMMENT ON COLUMN open_intent.replica IS 'the gateway that answers it';

CREATE TABLE reply (
    idx       bigint   PRIMARY KEY,
    at        bigint   NOT NULL,
    sealed    bytea    NOT NULL
);
COMMENT ON TABLE  reply        IS 'Replies, so that a repeated question is answered without asking anybody again. Kept for 24 hours.';
COMMENT ON COLUMN reply.at     IS 'the machine''s time when it was made, microseconds since 1970-01-01 UTC';
COMMENT ON COLUMN reply.sealed IS 'encrypted: the salt of the commitments to request and answer, then the reply';
