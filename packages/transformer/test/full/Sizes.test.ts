/** The properties of these files as often as they are tried at full size. */
import "../Decode.test.ts"
import "../Fused.test.ts"
import "../StopStrings.test.ts"
