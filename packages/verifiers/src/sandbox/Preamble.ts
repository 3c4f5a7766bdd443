/**
 * Names that programs of contests use without importing them: data sets of the field were made with a preamble of such imports, and
 * their solutions rely on it. Each module's own name is among them. Names that programs give to functions of their own (`add`,
 * `index`, `sub` of `operator`) are not: a program that lacks one must fail.
 */

/** Lines of a module and names of it; a line that begins with a blank goes on. */
export const names = `
string: Formatter Template ascii_letters ascii_lowercase ascii_uppercase capwords digits hexdigits octdigits printable
  punctuation whitespace
re: ASCII DOTALL IGNORECASE LOCALE MULTILINE UNICODE VERBOSE escape findall finditer fullmatch match search split subn template
operator: attrgetter itemgetter methodcaller
typing: AbstractSet Annotated Any AnyStr Callable ClassVar Collection Container ContextManager DefaultDict Deque Dict Final
  FrozenSet Generator Generic Hashable IO ItemsView Iterable Iterator KeysView List Literal Mapping Match MutableMapping
  MutableSequence MutableSet NamedTuple Never NewType NoReturn Optional Pattern Protocol Reversible Self Sequence Set Sized
  SupportsAbs SupportsFloat SupportsIndex SupportsInt SupportsRound TYPE_CHECKING Tuple Type TypeAlias TypeVar TypedDict Union
  ValuesView cast final get_args get_origin get_type_hints overload runtime_checkable
datetime: UTC date time timedelta timezone tzinfo
collections: ChainMap Counter OrderedDict defaultdict deque namedtuple
heapq: heapify heappop heappush heappushpop heapreplace merge nlargest nsmallest
bisect: bisect_left bisect_right insort insort_left insort_right
copy: deepcopy
math: acos acosh asin asinh atan atan2 atanh cbrt ceil comb copysign cos cosh degrees dist e erf erfc exp exp2 expm1 fabs
  factorial floor fmod frexp fsum gamma gcd hypot inf isclose isfinite isinf isnan isqrt lcm ldexp lgamma log log10 log1p log2
  modf nan nextafter perm pi prod radians remainder sin sinh sqrt tan tanh tau trunc ulp
random: Random SystemRandom betavariate choice choices expovariate gammavariate gauss getrandbits getstate lognormvariate
  normalvariate paretovariate randbytes randint randrange sample seed setstate shuffle triangular uniform vonmisesvariate
  weibullvariate
statistics: NormalDist StatisticsError correlation covariance fmean geometric_mean harmonic_mean linear_regression mean median
  median_grouped median_high median_low mode multimode pstdev pvariance quantiles stdev variance
itertools: accumulate chain combinations combinations_with_replacement compress count cycle dropwhile filterfalse groupby islice
  pairwise permutations product repeat starmap takewhile tee zip_longest
functools: cache cached_property cmp_to_key lru_cache partial partialmethod reduce singledispatch singledispatchmethod
  total_ordering update_wrapper wraps
io: BytesIO StringIO
sys: argv getrecursionlimit maxsize setrecursionlimit stderr stdin stdout
json: JSONDecodeError JSONDecoder JSONEncoder dump dumps load loads
`
