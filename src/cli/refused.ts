/** What QEMU answered, if that is an error, in its own words and with the name that was perhaps meant. */
export class Refused extends Error {
  override readonly name = 'Refused';
}
