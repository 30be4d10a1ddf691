-- The database of the first version, as that version made it: its tables, and rows it wrote itself, two jobs of which
-- are not ended. The same for SQLite and PostgreSQL. {DATA} and {OUTPUT} stand for its folders.

CREATE TABLE channel_values (
    space TEXT NOT NULL,
    "key" TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (space, "key")
);

CREATE TABLE deliveries (
    "key" TEXT NOT NULL,
    job TEXT NOT NULL,
    state TEXT NOT NULL,
    place TEXT NOT NULL,
    refs TEXT NOT NULL,
    PRIMARY KEY ("key")
);

CREATE INDEX ix_deliveries_job ON deliveries (job);

CREATE TABLE entries (
    chat_key TEXT NOT NULL,
    seq BIGINT NOT NULL,
    id TEXT NOT NULL,
    from_person BOOLEAN NOT NULL,
    at TEXT NOT NULL,
    outgoing TEXT NOT NULL,
    PRIMARY KEY (chat_key, seq),
    CONSTRAINT entries_once UNIQUE (chat_key, id)
);

CREATE INDEX ix_entries_at ON entries (at);

CREATE TABLE inbox (
    channel TEXT NOT NULL,
    "key" TEXT NOT NULL,
    payload TEXT NOT NULL,
    done BOOLEAN NOT NULL,
    at TEXT NOT NULL,
    PRIMARY KEY (channel, "key")
);

CREATE INDEX inbox_open ON inbox (channel, done, at);

CREATE INDEX ix_inbox_at ON inbox (at);

CREATE TABLE jobs (
    id TEXT NOT NULL,
    chat_key TEXT NOT NULL,
    chat TEXT NOT NULL,
    "order" TEXT NOT NULL,
    created TEXT NOT NULL,
    ref TEXT,
    state TEXT NOT NULL,
    error_code TEXT,
    estimate_usd FLOAT NOT NULL,
    cost FLOAT,
    currency TEXT NOT NULL,
    provider TEXT,
    finished TEXT,
    pictures TEXT NOT NULL,
    picture_count INTEGER NOT NULL,
    cancel_asked BOOLEAN NOT NULL,
    pieces TEXT NOT NULL,
    run INTEGER NOT NULL,
    delivery INTEGER NOT NULL,
    by_hand BOOLEAN NOT NULL,
    forgotten BOOLEAN DEFAULT false NOT NULL,
    PRIMARY KEY (id)
);

CREATE INDEX jobs_by_state ON jobs (state, created);

CREATE INDEX jobs_finished ON jobs (finished);

CREATE INDEX jobs_of_chat ON jobs (chat_key, created);

CREATE TABLE likeness_version (
    version INTEGER NOT NULL,
    PRIMARY KEY (version)
);

CREATE TABLE parts (
    "key" TEXT NOT NULL,
    job TEXT NOT NULL,
    provider TEXT NOT NULL,
    state TEXT NOT NULL,
    submission TEXT,
    pictures TEXT NOT NULL,
    cost FLOAT,
    currency TEXT NOT NULL,
    error_code TEXT,
    updated TEXT NOT NULL,
    PRIMARY KEY ("key")
);

CREATE INDEX ix_parts_job ON parts (job);

CREATE TABLE sequences (
    chat_key TEXT NOT NULL,
    last BIGINT NOT NULL,
    PRIMARY KEY (chat_key)
);

CREATE TABLE tables (
    chat_key TEXT NOT NULL,
    body TEXT NOT NULL,
    updated TEXT NOT NULL,
    PRIMARY KEY (chat_key)
);

CREATE INDEX ix_tables_updated ON tables (updated);

CREATE TABLE turns (
    message_key TEXT NOT NULL,
    chat_key TEXT NOT NULL,
    reply TEXT NOT NULL,
    at TEXT NOT NULL,
    PRIMARY KEY (message_key)
);

CREATE INDEX ix_turns_at ON turns (at);

CREATE INDEX ix_turns_chat_key ON turns (chat_key);

INSERT INTO channel_values ("space", "key", "value")
VALUES ('group.rules', 'telegram|-7', '{"language":null,"who":"everyone","daily":10}');

INSERT INTO channel_values ("space", "key", "value")
VALUES ('group.today', 'telegram|-7', '{"day":"2026-05-01","pictures":4}');

INSERT INTO channel_values ("space", "key", "value")
VALUES ('web.statuses', 'web|cookie-of-ben-1234567890|cookie-of-ben-1234567890', '{"begun":{},"shown":["done"]}');

INSERT INTO channel_values ("space", "key", "value")
VALUES ('telegram.jobs', 'running', '{"message":55,"head":"动漫风格","at":1777636800.0}');

INSERT INTO channel_values ("space", "key", "value")
VALUES ('telegram.albums', '1234', '{"newest":[{"group":"g","parts":[{"file_id":"secret-file-id","unique":"u","size":3,"message":9}],"first":[9]}]}');

INSERT INTO channel_values ("space", "key", "value")
VALUES ('wechat.person', 'openid-of-cai', '{"message":{"at":1777636800.0,"used":1},"pages":[["page-1",1777636800.0]]}');

INSERT INTO channel_values ("space", "key", "value")
VALUES ('wechat.page', 'page-1', '{"openid":"openid-of-cai","language":"zh","text":"做好了","pictures":[{"path":"{OUTPUT}/done/done.png","width":512,"height":512,"mime":"image/png"}],"choices":[],"made":1777636800.0,"media":{"1":{"media_id":"m-permanent","at":1777636800.0,"permanent":true}}}');

INSERT INTO channel_values ("space", "key", "value")
VALUES ('wechat.token', 'wx-app', '{"token":"token-in-clear","until":1.0,"forced":0.0}');

INSERT INTO channel_values ("space", "key", "value")
VALUES ('wechat.nonce', '001777636800.n', 'k');

INSERT INTO channel_values ("space", "key", "value")
VALUES ('second_reader', '2026-05-01', '0.01000000');

INSERT INTO deliveries ("key", "job", "state", "place", "refs")
VALUES ('done:0', 'done', 'sent', 'result:done', '["7"]');

INSERT INTO entries ("chat_key", "seq", "id", "from_person", "at", "outgoing")
VALUES ('web|cookie-of-ben-1234567890|cookie-of-ben-1234567890', 1, 'line-1', true, '2026-05-01T12:00:00.008000+00:00', '{"id":"line-1","kind":"pictures","text":"水彩风格","choices":[],"pictures":[{"path":"{DATA}/web/photos/kept/cookie-of-ben-1234567890/upload.jpg","width":64,"height":64,"size_bytes":9,"mime":"image/jpeg","provider":"","request_id":""}],"ref":null,"job":null,"language":"zh","awaits":false,"expected":null}');

INSERT INTO entries ("chat_key", "seq", "id", "from_person", "at", "outgoing")
VALUES ('web|cookie-of-ben-1234567890|cookie-of-ben-1234567890', 2, 'result:x', false, '2026-05-01T12:00:00.009000+00:00', '{"id":"result:x","kind":"pictures","text":"做好了","choices":[],"pictures":[{"path":"{OUTPUT}/done/done.png","width":512,"height":512,"size_bytes":99,"mime":"image/png","provider":"fake","request_id":"r-1"}],"ref":null,"job":"done","language":"zh","awaits":false,"expected":null}');

INSERT INTO inbox ("channel", "key", "payload", "done", "at")
VALUES ('web', 'web:cookie-of-ben-1234567890:line-1', '{"id":"line-1","person":"cookie-of-ben-1234567890","text":"水彩风格","choice":null,"label":"","photos":[{"key":"web:abc","path":"{DATA}/web/photos/kept/cookie-of-ben-1234567890/upload.jpg","width":64,"height":64,"size_bytes":9,"mime":"image/jpeg"}],"quoted":[],"quoted_job":null,"language":"zh"}', false, '2026-05-01T12:00:00.010000+00:00');

INSERT INTO inbox ("channel", "key", "payload", "done", "at")
VALUES ('telegram', '1001', '', true, '2026-05-01T12:00:00.011000+00:00');

INSERT INTO inbox ("channel", "key", "payload", "done", "at")
VALUES ('wechat.page', 'page-1', '', false, '2026-05-01T12:00:00.012000+00:00');

INSERT INTO inbox ("channel", "key", "payload", "done", "at")
VALUES ('wechat.discarded', 'm-old', '', false, '2026-05-01T12:00:00.013000+00:00');

INSERT INTO jobs ("id", "chat_key", "chat", "order", "created", "ref", "state", "error_code", "estimate_usd", "cost", "currency", "provider", "finished", "pictures", "picture_count", "cancel_asked", "pieces", "run", "delivery", "by_hand", "forgotten")
VALUES ('running', 'fake|ann|ann', '{"channel":"fake","chat":"ann","person":"ann","thread":null}', '{"operation":"portrait","shots":[{"style":"anime","scene":null,"prompt":"夜景里的我","edits":[],"count":1,"photo":null}],"model":"nanopro","aspect_ratio":null,"photos":["{DATA}/photos/8e9848e97e3055f9277ff161/photo.png"],"mask":null,"provider":null,"language":"zh","take":0}', '2026-05-01T12:00:00.000000+00:00', 'm1', 'running', NULL, 0.1, NULL, 'USD', NULL, NULL, '[]', 0, false, '[1]', 0, 0, false, false);

INSERT INTO jobs ("id", "chat_key", "chat", "order", "created", "ref", "state", "error_code", "estimate_usd", "cost", "currency", "provider", "finished", "pictures", "picture_count", "cancel_asked", "pieces", "run", "delivery", "by_hand", "forgotten")
VALUES ('waiting', 'fake|ann|ann', '{"channel":"fake","chat":"ann","person":"ann","thread":null}', '{"operation":"portrait","shots":[{"style":"anime","scene":null,"prompt":"夜景里的我","edits":[],"count":1,"photo":null}],"model":"nanopro","aspect_ratio":null,"photos":["{DATA}/photos/8e9848e97e3055f9277ff161/photo.png"],"mask":null,"provider":null,"language":"zh","take":0}', '2026-05-01T12:00:01.000000+00:00', 'm2', 'new', NULL, 0.1, NULL, 'USD', NULL, NULL, '[]', 0, false, '[]', 0, 0, false, false);

INSERT INTO jobs ("id", "chat_key", "chat", "order", "created", "ref", "state", "error_code", "estimate_usd", "cost", "currency", "provider", "finished", "pictures", "picture_count", "cancel_asked", "pieces", "run", "delivery", "by_hand", "forgotten")
VALUES ('done', 'fake|ann|ann', '{"channel":"fake","chat":"ann","person":"ann","thread":null}', '{"operation":"portrait","shots":[{"style":"anime","scene":null,"prompt":"夜景里的我","edits":[],"count":1,"photo":null}],"model":"nanopro","aspect_ratio":null,"photos":["{DATA}/photos/8e9848e97e3055f9277ff161/photo.png"],"mask":null,"provider":null,"language":"zh","take":0}', '2026-05-01T12:00:00.000000+00:00', 'm0', 'done', NULL, 0.15, 0.15, 'USD', 'fake', '2026-05-01T12:01:00.000000+00:00', '[{"path":"{OUTPUT}/done/done.png","width":512,"height":512,"size_bytes":99,"mime":"image/png","provider":"fake","request_id":"r-1"}]', 1, false, '[1]', 0, 0, false, false);

INSERT INTO likeness_version ("version")
VALUES (2);

INSERT INTO parts ("key", "job", "provider", "state", "submission", "pictures", "cost", "currency", "error_code", "updated")
VALUES ('running-0-0', 'running', 'fake', 'accepted', '{"provider":"fake","request_id":"r-9","count":1,"handle":{"status":"x"},"cost":0.1,"currency":"USD"}', '[]', 0.1, 'USD', NULL, '2026-05-01T12:00:00.004000+00:00');

INSERT INTO parts ("key", "job", "provider", "state", "submission", "pictures", "cost", "currency", "error_code", "updated")
VALUES ('done-0-0', 'done', 'fake', 'made', NULL, '[{"path":"{OUTPUT}/done/done.png","width":512,"height":512,"size_bytes":99,"mime":"image/png","provider":"fake","request_id":"r-1"}]', 0.15, 'USD', NULL, '2026-05-01T12:00:00.006000+00:00');

INSERT INTO sequences ("chat_key", "last")
VALUES ('web|cookie-of-ben-1234567890|cookie-of-ben-1234567890', 2);

INSERT INTO tables ("chat_key", "body", "updated")
VALUES ('fake|ann|ann', '{"language":"zh","language_fixed":false,"photos":[{"key":"p1","path":"{DATA}/photos/8e9848e97e3055f9277ff161/photo.png","width":64,"height":64,"at":"2026-05-01T12:00:00Z","used":true,"refused":false}],"last_order":{"operation":"portrait","shots":[{"style":"anime","scene":null,"prompt":"夜景里的我","edits":[],"count":1,"photo":null}],"model":"nanopro","aspect_ratio":null,"photos":["{DATA}/photos/8e9848e97e3055f9277ff161/photo.png"],"mask":null,"provider":null,"language":"zh","take":0},"last_result":{"job":"done","order":{"operation":"portrait","shots":[{"style":"anime","scene":null,"prompt":"夜景里的我","edits":[],"count":1,"photo":null}],"model":"nanopro","aspect_ratio":null,"photos":["{DATA}/photos/8e9848e97e3055f9277ff161/photo.png"],"mask":null,"provider":null,"language":"zh","take":0},"pictures":["{OUTPUT}/done/done.png"],"at":"2026-05-01T12:01:00Z"},"question":{"kind":"confirm","options":["confirm:yes","confirm:no"],"labels":[],"order":{"operation":"portrait","shots":[{"style":"anime","scene":null,"prompt":"夜景里的我","edits":[],"count":1,"photo":null}],"model":"nanopro","aspect_ratio":null,"photos":["{DATA}/photos/8e9848e97e3055f9277ff161/photo.png"],"mask":null,"provider":null,"language":"zh","take":0},"orders":[],"at":"2026-05-01T12:00:00Z"}}', '2026-05-01T12:00:00.007000+00:00');

INSERT INTO turns ("message_key", "chat_key", "reply", "at")
VALUES ('fake:ann:1', 'fake|ann|ann', '[{"id":"fake:ann:1:0","kind":"text","text":"好，这就做：动漫风格","choices":[],"pictures":[],"ref":"m1","job":"running","language":"zh","awaits":false,"expected":null}]', '2026-05-01T12:00:00.001000+00:00');
