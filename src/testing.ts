/* A QEMU without a VM */
export { FakeQemu, type FakeQemuOptions } from './testing/fake-qemu.js';
export { CommandError } from './protocol/command-error.js';
export type { FakeJob, FakeJobOptions } from './testing/fake-job.js';
export type { FakeJobs } from './testing/fake-jobs.js';
export type { FakeMigration } from './testing/fake-migration.js';
export type { FakeDevices, UnplugAnswer } from './testing/fake-devices.js';
export type { Command } from './protocol/command.js';
export type { Reply, ReplyHooks } from './testing/reply.js';
export type { Schema } from './testing/schema.js';

/* A fleet without NATS */
export { FakeNats, type FakeNatsOptions } from './testing/nats/fake-nats.js';
export type { FakeHost, FakeHostOptions } from './testing/nats/fake-host.js';

/* Events */
export { event, eventAt, type EventData } from './testing/event.js';

/* Virtual time */
export { qmpMarbles, type ObservableExpectation, type QmpMarbles } from './testing/marbles/qmp-marbles.js';
export { qmpMarblesAsync, type QmpMarblesAsync } from './testing/marbles/qmp-marbles-async.js';
export type { MarbleLetters } from './testing/marbles/letters.js';

/* Recorded sessions */
export { record } from './testing/transcript/record.js';
export { readTranscript, type Transcript, type TranscriptEntry } from './testing/transcript/transcript.js';
export { replay } from './testing/transcript/replay.js';
export { playback } from './testing/transcript/playback.js';
export type { PlaybackOptions } from './testing/transcript/pacing.js';

/* What the signatures above are written with */
export type {
  FakeNatsConnection,
  FakeNatsRequest,
  FakeNatsStatus,
  FakeNatsSubscribe,
} from './testing/nats/fake-nats-connection.js';
export type { FakeSubscription } from './testing/nats/fake-subscription.js';
export type { NatsHeaders, NatsMessage, NatsPublishOptions } from './testing/nats/message.js';
export type { ArgumentsFor, ReplyOutcome, Replies, ResultOf } from './testing/reply.js';
export type { DataOf } from './testing/event.js';
export type { JobHost, JobInfo, JobStatus } from './testing/fake-job.js';
export type { MigrationInfo, FakeMigrationStatus } from './testing/fake-migration.js';
export type { RunState } from './testing/default-replies.js';
export type { PlainName } from './testing/marbles/letters.js';
export type { MarbleSource, MarbleValues, SubscriptionLog } from './testing/marbles/qmp-marbles.js';
export type { RecordedMessage } from './testing/transcript/transcript.js';
