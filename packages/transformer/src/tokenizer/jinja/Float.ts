/** A number that Python would read as a float, such as `1.0`, which JavaScript cannot tell from `1`. @category models */
export class Float {
  readonly value: number
  constructor(value: number) {
    this.value = value
  }
}
