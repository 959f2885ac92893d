// Keyboard and screen: typeText() and pressKeys() type as a keyboard does, screenshot() takes a picture of the screen.
// → typed
// → a PNG
import { pressKeys, typeText } from 'rx-qmp';
import { launch, screenshot } from 'rx-qmp/node';

await using vm = await launch(['-display', 'none', '-vga', 'std'], { grace: 0 });

await typeText(vm.client, 'root\n');
await pressKeys(vm.client, 'ctrl-alt-f2');
console.log('typed');

const picture = await screenshot(vm.client);
console.log(`a ${String.fromCharCode(...picture.subarray(1, 4))}`);
