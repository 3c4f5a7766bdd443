/** The process of `Parquet.ts`: what is in a file decides how much its decoder does. */
import {
  type AsyncBuffer,
  type FileMetaData,
  asyncBufferFromFile,
  parquetMetadataAsync,
  parquetReadObjects,
} from "hyparquet"
import { compressors } from "hyparquet-compressors"
import * as Guarded from "../Guarded.ts"

/** Rows from `from` to before `to`; null asks for what the file holds. */
export interface Job {
  readonly path: string
  readonly rows: Slice | null
}
export interface Slice {
  readonly from: number
  readonly to: number
}
export type Done = ReadonlyArray<Slice> | ReadonlyArray<unknown>

/** Rows are decoded in slices of about so many bytes, and at most so many rows, where a row group is larger. */
const most = { bytes: 64 << 20, rows: 1 << 17 } as const
/** Most rows of a file, and largest page. */
const maxRows = 2 ** 31
const maxPage = 2 ** 29

/** The rows of the file in ranges that may be held: whole row groups, or parts of large ones. */
const slicesOf = ({ num_rows, row_groups }: FileMetaData): ReadonlyArray<Slice> => {
  const slices: Array<Slice> = []
  let start = 0
  for (const group of row_groups) {
    const rows = Number(group.num_rows)
    if (!(rows >= 0 && start + rows <= maxRows)) throw new RangeError(`a row group says that it has ${rows} rows`)
    const parts = Math.max(1, Math.ceil(Number(group.total_byte_size) / most.bytes), Math.ceil(rows / most.rows))
    const size = Math.max(1, Math.floor(rows / parts))
    if (rows / size > 1_000_000) throw new RangeError(`a row group says that it has ${group.total_byte_size} bytes`)
    for (let from = 0; from < rows; from += size)
      slices.push({ from: start + from, to: start + Math.min(rows, from + size) })
    start += rows
  }
  if (start !== Number(num_rows))
    throw new RangeError(`it says that it has ${num_rows} rows, its row groups have ${start}`)
  return slices
}

/** Codecs that make no page larger than may be. */
const bounded = Object.fromEntries(
  Object.entries(compressors).map(([name, unpack]) => [
    name,
    (input: Uint8Array, size: number) => {
      if (!(size >= 0 && size <= maxPage)) throw new RangeError(`a page says that it unpacks to ${size} bytes`)
      return unpack(input, size)
    },
  ]),
)

/** Of the files that were asked for last. */
const opened = new Map<string, { readonly file: AsyncBuffer; readonly metadata: FileMetaData }>()
const open = async (path: string) => {
  const known = opened.get(path)
  if (known !== undefined) return known
  const file = await asyncBufferFromFile(path)
  const found = { file, metadata: await parquetMetadataAsync(file) }
  if (opened.size >= 64) opened.clear()
  opened.set(path, found)
  return found
}

const work = async ({ path, rows }: Job): Promise<Done> => {
  const { file, metadata } = await open(path)
  if (rows === null) return slicesOf(metadata)
  const { from, to } = rows
  return parquetReadObjects({
    file,
    metadata,
    compressors: bounded,
    // The default takes every binary column for text and loses images.
    utf8: false,
    useOffsetIndex: true,
    rowStart: from,
    rowEnd: to,
  })
}

Guarded.serveAsync(work)
