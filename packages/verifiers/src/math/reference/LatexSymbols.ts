/** The characters that pylatexenc 2.10 writes for macros without arguments, and what it does with those that have some. */

type Alphabet = readonly [capital: number, small: number, elsewhere: string]

const pairs = (text: string): ReadonlyMap<string, string> => {
  const words = text.split(" ")
  return new Map(words.flatMap((word, i) => (i % 2 === 0 ? [[word, words[i + 1]] as const] : [])))
}

const greek =
  "alpha \u03b1 Alpha \u0391 beta \u03b2 Beta \u0392 gamma \u03b3 Gamma \u0393 delta \u03b4 Delta \u0394 epsilon \u03f5 " +
  "Epsilon \u0395 zeta \u03b6 Zeta \u0396 eta \u03b7 Eta \u0397 theta \u03b8 Theta \u0398 iota \u03b9 Iota \u0399 " +
  "kappa \u03ba Kappa \u039a lambda \u03bb Lambda \u039b mu \u03bc Mu \u039c nu \u03bd Nu \u039d xi \u03be Xi \u039e " +
  "omicron \u03bf Omicron \u039f pi \u03c0 Pi \u03a0 rho \u03c1 Rho \u03a1 sigma \u03c3 Sigma \u03a3 tau \u03c4 " +
  "Tau \u03a4 upsilon \u03c5 Upsilon \u03a5 phi \u03d5 Phi \u03a6 chi \u03c7 Chi \u03a7 psi \u03c8 Psi \u03a8 " +
  "omega \u03c9 Omega \u03a9 varepsilon \u03b5 vartheta \u03d1 varpi \u03d6 varrho \u03f1 varsigma \u03c2 varphi \u03c6 " +
  "varkappa \u03f0 backepsilon \u03f6 Stigma \u03da Digamma \u03dc digamma \u03dd Koppa \u03de Sampi \u03e0"
const signs =
  "oe \u0153 OE \u0152 ae \u00e6 AE \u00c6 aa \u00e5 AA \u00c5 o \u00f8 O \u00d8 ss \u00df L \u0141 l \u0142 i \u0131 " +
  "j \u0237 textendash \u2013 textemdash \u2014 textpm \u00b1 textmp \u2213 texteuro \u20ac hbar \u0127 ell \u2113 " +
  "forall \u2200 complement \u2201 partial \u2202 exists \u2203 nexists \u2204 varnothing \u2205 emptyset \u2205 " +
  "aleph \u2135 nabla \u2207 in \u2208 notin \u2209 ni \u220b prod \u220f coprod \u2210 sum \u2211 setminus \u2216 " +
  "smallsetminus \u2216 ast \u2217 circ \u2218 bullet \u2219 propto \u221d infty \u221e parallel \u2225 nparallel \u2226 " +
  "wedge \u2227 vee \u2228 cap \u2229 cup \u222a int \u222b iint \u222c iiint \u222d oint \u222e sim \u223c " +
  "backsim \u223d simeq \u2243 approx \u2248 neq \u2260 equiv \u2261 le \u2264 ge \u2265 leq \u2264 geq \u2265 " +
  "leqslant \u2a7d geqslant \u2a7e leqq \u2266 geqq \u2267 lneqq \u2268 gneqq \u2269 ll \u226a gg \u226b nless \u226e " +
  "ngtr \u226f nleq \u2270 ngeq \u2271 lesssim \u2272 gtrsim \u2273 lessgtr \u2276 gtrless \u2277 prec \u227a succ \u227b " +
  "preceq \u227c succeq \u227d precsim \u227e succsim \u227f nprec \u2280 nsucc \u2281 subset \u2282 supset \u2283 " +
  "subseteq \u2286 supseteq \u2287 nsubseteq \u2288 nsupseteq \u2289 subsetneq \u228a supsetneq \u228b cdot \u00b7 " +
  "times \u00d7 otimes \u2297 oplus \u2295 bigotimes \u2297 bigoplus \u2295 prime ' dag \u2020 dagger \u2020 pm \u00b1 " +
  "mp \u2213 ldots \u2026 cdots \u22ef ddots \u22f1 iddots \u22f0 vdots \u22ee dots \u2026 dotsc \u2026 dotsb \u2026 " +
  "dotsm \u2026 dotsi \u2026 dotso \u2026 langle \u27e8 rangle \u27e9 lvert | rvert | vert | lVert \u2016 rVert \u2016 " +
  "Vert \u2016 mid | nmid \u2224 uparrow \u2191 downarrow \u2193 rightarrow \u2192 to \u2192 leftarrow \u2190 " +
  "longrightarrow \u27f6 longleftarrow \u27f5 textsterling \u00a3 guillemotleft \u00ab textdegree \u00b0 textmu \u00b5 " +
  "guillemotright \u00bb textonequarter \u00bc textonehalf \u00bd textthreequarters \u00be DH \u00d0 texttimes \u00d7 " +
  "TH \u00de dh \u00f0 textdiv \u00f7 th \u00fe DJ \u0110 dj \u0111 IJ \u0132 ij \u0133 NG \u014a ng \u014b " +
  "quotesinglbase \u201a quotedblbase \u201e textbullet \u2022 textellipsis \u2026 backprime \u2035 guilsinglleft \u2039 " +
  "guilsinglright \u203a nolinebreak \u2060 textcelsius \u2103 wp \u2118 beth \u2136 gimel \u2137 daleth \u2138 " +
  "leftrightarrow \u2194 updownarrow \u2195 nwarrow \u2196 nearrow \u2197 searrow \u2198 swarrow \u2199 nleftarrow \u219a " +
  "nrightarrow \u219b arrowwaveleft \u219c arrowwaveright \u219d twoheadleftarrow \u219e twoheadrightarrow \u21a0 " +
  "leftarrowtail \u21a2 rightarrowtail \u21a3 mapsto \u21a6 hookleftarrow \u21a9 hookrightarrow \u21aa " +
  "looparrowleft \u21ab looparrowright \u21ac leftrightsquigarrow \u21ad nleftrightarrow \u21ae Lsh \u21b0 Rsh \u21b1 " +
  "curvearrowleft \u21b6 curvearrowright \u21b7 circlearrowleft \u21ba circlearrowright \u21bb leftharpoonup \u21bc " +
  "leftharpoondown \u21bd upharpoonright \u21be upharpoonleft \u21bf rightharpoonup \u21c0 rightharpoondown \u21c1 " +
  "downharpoonright \u21c2 downharpoonleft \u21c3 rightleftarrows \u21c4 dblarrowupdown \u21c5 leftrightarrows \u21c6 " +
  "leftleftarrows \u21c7 upuparrows \u21c8 rightrightarrows \u21c9 downdownarrows \u21ca leftrightharpoons \u21cb " +
  "rightleftharpoons \u21cc nLeftarrow \u21cd nLeftrightarrow \u21ce nRightarrow \u21cf Leftarrow \u21d0 Uparrow \u21d1 " +
  "Rightarrow \u21d2 Downarrow \u21d3 Leftrightarrow \u21d4 Updownarrow \u21d5 Lleftarrow \u21da Rrightarrow \u21db " +
  "rightsquigarrow \u21dd DownArrowUpArrow \u21f5 blacksquare \u25aa dotplus \u2214 rightangle \u221f angle \u2220 " +
  "measuredangle \u2221 sphericalangle \u2222 surfintegral \u222f volintegral \u2230 clwintegral \u2231 therefore \u2234 " +
  "because \u2235 homothetic \u223b lazysinv \u223e wr \u2240 cong \u2245 approxnotequal \u2246 approxeq \u224a " +
  "tildetrpl \u224b allequal \u224c asymp \u224d Bumpeq \u224e bumpeq \u224f doteq \u2250 doteqdot \u2251 " +
  "fallingdotseq \u2252 risingdotseq \u2253 eqcirc \u2256 circeq \u2257 estimates \u2259 starequal \u225b " +
  "triangleq \u225c between \u226c notlessgreater \u2278 notgreaterless \u2279 uplus \u228e sqsubset \u228f " +
  "sqsupset \u2290 sqsubseteq \u2291 sqsupseteq \u2292 sqcap \u2293 sqcup \u2294 ominus \u2296 oslash \u2298 odot \u2299 " +
  "circledcirc \u229a circledast \u229b circleddash \u229d boxplus \u229e boxminus \u229f boxtimes \u22a0 boxdot \u22a1 " +
  "vdash \u22a2 dashv \u22a3 top \u22a4 perp \u22a5 truestate \u22a7 forcesextra \u22a8 Vdash \u22a9 Vvdash \u22aa " +
  "VDash \u22ab nvdash \u22ac nvDash \u22ad nVdash \u22ae nVDash \u22af vartriangleleft \u22b2 vartriangleright \u22b3 " +
  "trianglelefteq \u22b4 trianglerighteq \u22b5 original \u22b6 image \u22b7 multimap \u22b8 hermitconjmatrix \u22b9 " +
  "intercal \u22ba veebar \u22bb rightanglearc \u22be bigwedge \u22c0 bigvee \u22c1 bigcap \u22c2 bigcup \u22c3 " +
  "diamond \u2662 star \u22c6 divideontimes \u22c7 bowtie \u22c8 ltimes \u22c9 rtimes \u22ca leftthreetimes \u22cb " +
  "rightthreetimes \u22cc backsimeq \u22cd curlyvee \u22ce curlywedge \u22cf Subset \u22d0 Supset \u22d1 Cap \u22d2 " +
  "Cup \u22d3 pitchfork \u22d4 lessdot \u22d6 gtrdot \u22d7 verymuchless \u22d8 verymuchgreater \u22d9 lesseqgtr \u22da " +
  "gtreqless \u22db curlyeqprec \u22de curlyeqsucc \u22df lnsim \u22e6 gnsim \u22e7 precedesnotsimilar \u22e8 " +
  "succnsim \u22e9 ntriangleleft \u22ea ntriangleright \u22eb ntrianglelefteq \u22ec ntrianglerighteq \u22ed udots \u22f0 " +
  "barwedge \u2305 varperspcorrespond \u2306 lceil \u2308 rceil \u2309 lfloor \u230a rfloor \u230b ulcorner \u231c " +
  "urcorner \u231d llcorner \u231e lrcorner \u231f frown \u2322 smile \u2323 lmoustache \u23b0 rmoustache \u23b1 " +
  "square \u25a1 bigtriangleup \u25b3 blacktriangle \u25b4 vartriangle \u25b5 blacktriangleright \u25b8 " +
  "triangleright \u25b9 bigtriangledown \u25bd blacktriangledown \u25be triangledown \u25bf blacktriangleleft \u25c2 " +
  "triangleleft \u25c3 lozenge \u25ca bigcirc \u25ef flat \u266d natural \u266e sharp \u266f longleftrightarrow \u27f7 " +
  "Longleftarrow \u27f8 Longrightarrow \u27f9 Longleftrightarrow \u27fa longmapsto \u27fc blacklozenge \u29eb " +
  "clockoint \u2a0f sqrint \u2a16 amalg \u2a3f lessapprox \u2a85 gtrapprox \u2a86 lneq \u2a87 gneq \u2a88 lnapprox \u2a89 " +
  "gnapprox \u2a8a lesseqqgtr \u2a8b gtreqqless \u2a8c eqslantless \u2a95 eqslantgtr \u2a96 precneqq \u2ab5 " +
  "succneqq \u2ab6 precapprox \u2ab7 succapprox \u2ab8 precnapprox \u2ab9 succnapprox \u2aba subseteqq \u2ac5 " +
  "supseteqq \u2ac6 subsetneqq \u2acb supsetneqq \u2acc textdollar $ lbrace { rbrace } lnot \u00ac div \u00f7 eth \u01aa " +
  "dddot \u20db ddddot \u20dc hslash \u210f mho \u2127 surd \u221a Colon \u2237 lessequivlnt \u2272 " +
  "greaterequivlnt \u2273 preccurlyeq \u227c succcurlyeq \u227d upslopeellipsis \u22f0 downslopeellipsis \u22f1 " +
  "circledS \u24c8 diagup \u2571 UpArrowBar \u2912 DownArrowBar \u2913 UpEquilibrium \u296e ReverseUpEquilibrium \u296f " +
  "RoundImplies \u2970 Angle \u299c LeftTriangleBar \u29cf RightTriangleBar \u29d0 RuleDelayed \u29f4 " +
  "perspcorrespond \u2a5e Equal \u2a75 NestedLessLess \u2aa1 NestedGreaterGreater \u2aa2 openbracketleft \u301a " +
  "openbracketright \u301b id \u1d540 Ident \u1d540"
const script: Alphabet = [
  0x1d49c,
  0x1d4b6,
  "B\u212cE\u2130F\u2131H\u210bI\u2110L\u2112M\u2133R\u211be\u212fg\u210ao\u2134",
]

const words =
  "cos sin tan arccos arcsin arctan cosh sinh tanh arccosh arcsinh arctanh ln log exp max min sup inf lim".split(" ")

/** What stands for a macro that takes no arguments. Alphabets of other languages and pictures are left out. @category tables */
export const symbols: ReadonlyMap<string, string> = new Map([
  ...pairs(greek),
  ...pairs(signs),
  ...words.map((word) => [word, word] as const),
  ...Array.from("&${}#_%", (char) => [char, char] as const),
  ...[",", ";", ":", " "].map((char) => [char, " "] as const),
  ["!", ""],
  ["-", "\u00ad"],
  ["quad", "  "],
  ["qquad", "    "],
  ["limsup", "lim sup"],
  ["liminf", "lim inf"],
  ["backslash", "\\"],
  ["textbackslash", "\\"],
])

/** The combining character of an accent. @category tables */
export const accents: ReadonlyMap<string, string> = pairs(
  "' \u0301 ` \u0300 \" \u0308 c \u0327 ^ \u0302 ~ \u0303 H \u030b k \u0328 = \u0304 b \u0331 . \u0307 d \u0323 r \u030a u \u0306 v \u030c vec \u20d7 dot \u0307 hat \u0302 check \u030c breve \u0306 acute \u0301 grave \u0300 tilde \u0303 bar \u0305 ddot \u0308 not \u0338",
)

/** Offsets of an alphabet's capital and small letters, and the letters that stand elsewhere. @category tables */
export const alphabets: ReadonlyMap<string, Alphabet> = new Map<string, Alphabet>([
  ["mathbf", [0x1d400, 0x1d41a, ""]],
  ["mathit", [0x1d434, 0x1d44e, "h\u210e"]],
  ["mathsf", [0x1d5a0, 0x1d5ba, ""]],
  ["mathbb", [0x1d538, 0x1d552, "C\u2102H\u210dN\u2115P\u2119Q\u211aR\u211dZ\u2124"]],
  ["mathtt", [0x1d670, 0x1d68a, ""]],
  ["mathcal", script],
  ["mathscr", script],
  ["mathfrak", [0x1d504, 0x1d51e, "C\u212dH\u210cI\u2111R\u211cZ\u2128"]],
])

const groups = (signature: string, names: string): ReadonlyArray<readonly [string, string]> =>
  names.split(" ").map((name) => [name, signature] as const)

/**
 * The arguments of a macro, each by a character: `{` one that must be there, `[` an optional one, `*` an optional star. Those of other
 * macros stay in the text.
 *
 * @category tables
 */
export const signatures: ReadonlyMap<string, string> = new Map([
  ...groups(
    "{",
    "mathrm mathbf mathit mathsf mathbb mathtt mathcal mathscr mathfrak emph textrm textit textbf textsc textsl text overline underline widehat widetilde wideparen overleftarrow overrightarrow overleftrightarrow underleftarrow underrightarrow underleftrightarrow overbrace underbrace overgroup undergroup overbracket underbracket overlinesegment underlinesegment overleftharpoon overrightharpoon ket bra mbox textmd textsf texttt textup label ensuremath ref eqref autoref url title author date keywords",
  ),
  ...groups("{", [...accents.keys()].join(" ")),
  ...groups("[{", "sqrt footnote hphantom vphantom xleftarrow xrightarrow color pagecolor includegraphics"),
  ...groups("{{", "frac nicefrac braket ketbra texorpdfstring"),
  ...groups("[{{", "textcolor colorbox setlength addlength"),
  ...groups("*{", "hspace vspace"),
  ...groups("*[", "\\"),
  ["fcolorbox", "[{[{{"],
  ["item", "["],
])

/** The arguments of an environment. @category tables */
export const environments: ReadonlyMap<string, string> = new Map([
  ["array", "[{"],
  ["tabular", "{"],
  ["figure", "["],
  ["table", "["],
  ["enumerate", "["],
  ["itemize", "["],
  ["alignat", "{"],
  ["alignat*", "{"],
])

/** Environments written as `[ 1 2; 3 4 ]`. @category tables */
export const matrices: ReadonlySet<string> = new Set(
  "array pmatrix bmatrix smallmatrix psmallmatrix bsmallmatrix".split(" "),
)

/** Environments of display formulas that are set off from the text. @category tables */
export const displays: ReadonlySet<string> = new Set(
  "equation eqnarray align multline gather dmath".split(" ").flatMap((name) => [name, `${name}*`]),
)
