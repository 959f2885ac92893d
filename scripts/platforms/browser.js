// What a page imports: no part of it may need Node.
import { Subject } from 'rxjs';
import { EventBus, HubClient, QmpClient, webSocket } from 'rx-qmp';
import { event } from 'rx-qmp/testing';

const messages = new Subject();
const bus = new EventBus(messages);
bus.observe('STOP').subscribe(() => console.log([HubClient, QmpClient, webSocket].every(Boolean) ? 'works' : 'lacks'));
messages.next(event('STOP'));
