// Imports the entry points that it is given; the last line says, as JSON, which of them failed and with what.
const failed = []
for (const entry of process.argv.slice(2)) {
  try {
    await import(entry)
  } catch ({ message, name }) {
    failed.push({ entry, name, message })
  }
}
console.log(JSON.stringify(failed))
