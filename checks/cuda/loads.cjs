// `node loads.cjs LIBRARY`: code 0 when the dynamic linker can load it.
try {
  process.dlopen({ exports: {} }, process.argv[2])
} catch (cause) {
  // A library that is no Node add-on was loaded all the same.
  if (!/did not self-register/.test(cause.message)) process.exit(1)
}
