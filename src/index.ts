/* The bus */
export { EventBus } from './bus/event-bus.js';
export type { EventBusOptions } from './bus/options.js';
export { EventListener, type ListenerOptions } from './bus/event-listener.js';
export type { ReadOptions } from './bus/event-queue.js';
export { ScopedListener } from './bus/scoped-listener.js';
export type { ListenScope } from './bus/listen-scope.js';
export { ofEvent } from './bus/of-event.js';
export type { Diagnostic, ListenerFault, PolicyFault, Suppressed } from './bus/diagnostic.js';
export type { Logger } from './foundation/logger.js';

/* The client */
export type { QmpClientOptions } from './client/options.js';
export { QmpClient } from './client/qmp-client.js';
export type { ExecuteOptions } from './client/commands.js';
export type { CommandResult, ExecuteParameters } from './client/execute-types.js';
export type { ConnectionState, Gap, Shutdown } from './client/state.js';
export type { ClientStats } from './client/stats.js';
export type { Command } from './protocol/command.js';
export type { Traffic } from './client/traffic.js';
export type { ConnectTrace, ExecuteTrace, SessionEndTrace } from './client/diagnostics-channels.js';
export { QmpSchema, schemaOf, type SchemaMember } from './client/schema.js';
export type { Connection, Connector } from './transport/connection.js';
export { backoff, type BackoffOptions, type ReconnectPolicy } from './client/reconnect.js';
export { JobListener } from './bus/job-listener.js';

/* Tasks: what takes several messages */
export { eventAfter, type EventAfterOptions } from './tasks/event-after.js';
export { followJob } from './tasks/follow-job.js';
export type { FollowJobOptions, JobProgress } from './tasks/followed-job.js';
export { followJobs } from './tasks/follow-jobs.js';
export { runJob, type JobResult, type RunJobOptions } from './tasks/run-job.js';
export { jobs$, type JobsOptions } from './tasks/jobs.js';
export { shutdown, type ShutdownOptions } from './tasks/shutdown.js';
export { pause, reset, resume } from './tasks/run-state.js';
export { unplug, type UnplugOptions } from './tasks/unplug.js';
export { waitForGuest, type WaitForGuestOptions } from './tasks/wait-for-guest.js';
export { migrate, type MigrateOptions, type MigrationProgress } from './tasks/migrate.js';
export { pressKeys, typeText, type TypeTextOptions } from './tasks/keys.js';
export type { KeyboardLayout } from './tasks/us-layout.js';
export type { TaskOptions } from './tasks/in-session.js';

/* The hub, and WebSockets to it */
export { webSocket, type WebSocketClass, type WebSocketLike, type WebSocketOptions } from './transport/web-socket.js';
export { WebSocketError, type CloseReason } from './transport/web-socket-error.js';
export { HubClient, type HubClientOptions, type HubState } from './hub/client/hub-client.js';
export type { HubHistoryOptions } from './hub/client/hub-history.js';
export type { HubEvent, HubFrame, HubGap, HubRights } from './hub/protocol.js';
export type { FailedJob, Role, VmInfo, VmJob } from './gateway/vm-info.js';

/* The words of QMP */
export {
  isErrorReply,
  isEvent,
  isGreeting,
  isSuccessReply,
  timeOf,
  type AnyEvent,
  type CommandName,
  type ErrorReply,
  type EventName,
  type Greeting,
  type Message,
  type QmpEvent,
  type SuccessReply,
  type Timestamp,
  type UnlistedEvent,
} from './protocol/message.js';
export type { QmpEvent as ListedEvent } from './protocol/listed-event.js';
export type { EventFilter } from './protocol/event-filter.js';
export type { EventNames } from './protocol/event-names.js';
export type { NotAnEvent, ProtocolDiagnostic, ServerFault } from './protocol/diagnostic.js';
export type { EventMap } from './protocol/qapi/event-map.js';
export type { CommandMap } from './protocol/qapi/command-map.js';
export type * as Qapi from './protocol/qapi/types.js';

/* Errors */
export {
  ConnectError,
  DisconnectedError,
  EventTimeoutError,
  ExecInterruptedError,
  ExecTimeoutError,
  ExecuteError,
  GreetingError,
  JobError,
  LagError,
  ListenerError,
  MigrationError,
  NegotiationError,
  ProtocolError,
  QmpError,
  ShutdownError,
  StateError,
  UnplugError,
} from './protocol/errors.js';

/* What the signatures above are written with */
export type { FilterOf, FilterVerdict } from './protocol/event-filter.js';
export type {
  NameArgument,
  Completions,
  IfKnown,
  KnownName,
  KnownNames,
  ListedEventNames,
  NameIterator,
  NotListed,
  OpenName,
} from './protocol/event-names.js';
export type { Unlisted } from './protocol/message.js';
export type { ArgumentsOf, InBandOptions, KnownCommand, NoArguments, OptionsOf } from './client/execute-types.js';
export type { SchemaSide } from './client/schema.js';
export type { StatePhase } from './protocol/errors.js';
export type { ListenerEnding } from './bus/event-queue.js';
export type { QueueStats } from './bus/registration.js';
export type { Capabilities } from './tasks/migration-ends.js';
export type { ChangeFrame, EventFrame, HubGreeting } from './hub/protocol.js';
export type { Rights } from './gateway/vm-info.js';
