/** Texts for fast-check. */
import fc from "fast-check"

/** Of any characters. The unit `binary` of `fc.string` has the same, and takes a second to list all million of them. */
export const anyText = (maxLength: number): fc.Arbitrary<string> =>
  fc
    // The halves of pairs are left out.
    .array(
      fc.nat(0x10f7ff).map((n) => String.fromCodePoint(n < 0xd800 ? n : n + 0x800)),
      { maxLength },
    )
    .map((characters) => characters.join(""))
