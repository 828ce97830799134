/** Structs in a heap, with the layout of C: the public names, exported by `isolith/heap-manager`. */
export { Struct, defineStruct } from './struct/struct.js';
export { StructArray, StructBase, type StructView } from './struct/view.js';
export { ColumnsBase, TextColumn, type Column, type StructColumns } from './struct/columns.js';
export {
  ascii, utf8, utf16, utf32,
  type AnyStruct, type ArrayTypes, type ElementField, type Field, type FieldInit, type FieldObject, type Fields, type FieldValue,
  type ScalarKind, type ScalarTypes, type StructInit, type StructObject, type TextField,
} from './struct/fields.js';
export type { AllocatingMemory, BlockHeap, StructHeap } from './struct/heap.js';
