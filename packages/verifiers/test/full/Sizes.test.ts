/** The properties of these files as often as they are tried at full size. */
import "../Code.test.ts"
import "../CountdownGenerator.test.ts"
import "../CountdownModes.test.ts"
import "../Geometry3k.test.ts"
import "../MathKinds.test.ts"
import "../MathReference.test.ts"
import "../MathStrict.test.ts"
