import '@angular/compiler';
import { ChangeDetectionStrategy, Component } from '@angular/core';
import { bootstrapApplication, type BootstrapContext } from '@angular/platform-browser';
import { provideServerRendering, renderApplication } from '@angular/platform-server';
import { injectQmp, injectQmpHistory, injectQmpHub, injectQmpState, provideQmp, provideQmpHub } from 'rx-qmp/angular';

describe('on a server', () => {
  it('renders the page and opens nothing', async () => {
    // "Angular is running in development mode."
    const log = jest.spyOn(console, 'log').mockImplementation(() => undefined);
    const connector = jest.fn();
    const hubClient = jest.fn();
    const App = Component({
      selector: 'app-root',
      changeDetection: ChangeDetectionStrategy.OnPush,
      template: '{{ state().phase }}, {{ events().length }} events, {{ hub.vms().length }} VMs, {{ vm.state.phase }}',
    })(
      class {
        readonly qmp = injectQmp();
        readonly state = injectQmpState();
        readonly events = injectQmpHistory();
        readonly hub = injectQmpHub();
        readonly vm = this.hub.client('vm1');
      },
    ) as new () => unknown;
    const providers = [provideServerRendering(), provideQmp(connector), provideQmpHub(hubClient)];
    const html = await renderApplication(
      (context: BootstrapContext) => bootstrapApplication(App, { providers }, context),
      { document: '<app-root></app-root>', url: '/' },
    );
    expect(html).toContain('idle, 0 events, 0 VMs, idle');
    expect(connector).not.toHaveBeenCalled();
    expect(hubClient).not.toHaveBeenCalled();
    log.mockRestore();
  });
});
