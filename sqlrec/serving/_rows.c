/* JSON rows or columns of scalars -> typed columns, in one pass and without an object per value.

   The quick half of sqlrec.serving.json_wire. It reads what clients send all day; whatever is wrong or
   rare (a bad value, a feature left out, a key twice, nested values, a number that is not of the column's
   own kind) makes scan() give None, and the Python half then reads the body from its start. So there is
   one place that words errors, and one place that says what a value means.

   Bodies are bytes objects, which end with a NUL that is no part of JSON: a scan stops there at the latest. */

#include "_rows_block.h"
#include <structmember.h>

static PyTypeObject ScannerType, BlockType;

/* ---- Block */

static void block_dealloc(Block *block) {
  const Scanner *scanner = block->scanner;
  for (Py_ssize_t i = 0; i < scanner->count && scanner->texts; i++) {
    const Lane *lane = &block->lanes[i];
    if (scanner->columns[i].kind != 's') continue;
    Py_ssize_t values = lane->step ? lane->filled : lane->filled > 0;
    for (Py_ssize_t row = 0; row < values; row++) Py_XDECREF(block->cells[lane->start + row * lane->step].text);
  }
  PyMem_Free(block->cells);
  Py_DECREF(block->scanner);
  Py_TYPE(block)->tp_free(block);
}

/* Nulls by column, of those that have some. */
static PyObject *nulls_of(const Scanner *scanner, PyObject *const *blocks, Py_ssize_t count) {
  PyObject *nulls = PyDict_New();
  for (Py_ssize_t i = 0; nulls && i < scanner->count; i++) {
    Py_ssize_t total = 0;
    for (Py_ssize_t n = 0; n < count; n++) total += ((const Block *)blocks[n])->lanes[i].nulls;
    if (!total) continue;
    PyObject *number = PyLong_FromSsize_t(total);
    if (!number || PyDict_SetItem(nulls, PyTuple_GET_ITEM(scanner->names, i), number) < 0) Py_CLEAR(nulls);
    Py_XDECREF(number);
  }
  return nulls;
}

static PyObject *block_nulls(PyObject *block, void *unused) {
  (void)unused;
  return nulls_of(((Block *)block)->scanner, &block, 1);
}

static PyMemberDef block_members[] = {
    {"rows", T_PYSSIZET, offsetof(Block, rows), READONLY, "Rows read."},
    {"unknown", T_PYSSIZET, offsetof(Block, unknown), READONLY, "Values of no column."},
    {NULL},
};

static PyGetSetDef block_properties[] = {
    {"nulls", block_nulls, NULL, "Nulls by column, of those that have some.", NULL},
    {NULL},
};

static PyTypeObject BlockType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "sqlrec.serving._rows.Block",
    .tp_doc = "The values of one body.",
    .tp_basicsize = offsetof(Block, lanes),
    .tp_itemsize = sizeof(Lane),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_dealloc = (destructor)block_dealloc,
    .tp_members = block_members,
    .tp_getset = block_properties,
};

/* ---- Scanner */

static PyObject *scanner_scan(Scanner *scanner, PyObject *body) {
  if (!PyBytes_CheckExact(body)) return PyErr_SetString(PyExc_TypeError, "a body is bytes"), NULL;
  Block *block = PyObject_NewVar(Block, &BlockType, scanner->count);
  if (!block) return NULL;
  block->scanner = (Scanner *)Py_NewRef(scanner);
  block->cells = NULL;
  block->used = block->room = block->rows = block->unknown = 0;
  memset(block->lanes, 0, (size_t)scanner->count * sizeof(Lane));
  const char *end = PyBytes_AS_STRING(body) + PyBytes_GET_SIZE(body);
  const char *p = skip_space(PyBytes_AS_STRING(body));
  Result result = *p == '[' ? read_rows(block, &p, end) : *p == '{' ? read_columns(block, &p, end) : REFUSED;
  if (result == READ && p == end) return (PyObject *)block;
  Py_DECREF(block);
  if (result == FAILED) return NULL;
  Py_RETURN_NONE;
}

/* The columns of a kind, one after the other in `out`; `rows` is the length of each. */
static void put_rows(const Block *block, Py_ssize_t at, Py_ssize_t rows, int64_t *integers, float *reals) {
  for (Py_ssize_t i = 0; i < block->scanner->count; i++) {
    const Column *column = &block->scanner->columns[i];
    const Lane *lane = &block->lanes[i];
    const Cell *cell = &block->cells[lane->start];
    if (column->kind == 's') continue;
    if (column->kind == 'f') {
      float *out = reals + column->slot * rows + at;
      for (Py_ssize_t row = 0; row < block->rows; row++) out[row] = cell[row * lane->step].real;
    } else {
      int64_t *out = integers + column->slot * rows + at;
      for (Py_ssize_t row = 0; row < block->rows; row++) out[row] = cell[row * lane->step].integer;
    }
  }
}

static PyObject *text_list(PyObject *const *blocks, Py_ssize_t count, Py_ssize_t rows, Py_ssize_t column) {
  PyObject *list = PyList_New(rows), *empty = PyUnicode_New(0, 127);
  Py_ssize_t at = 0;
  for (Py_ssize_t n = 0; list && empty && n < count; n++) {
    const Block *block = (const Block *)blocks[n];
    const Lane *lane = &block->lanes[column];
    for (Py_ssize_t row = 0; row < block->rows; row++) {
      PyObject *text = block->cells[lane->start + row * lane->step].text;
      PyList_SET_ITEM(list, at++, Py_NewRef(text ? text : empty));
    }
  }
  if (!empty) Py_CLEAR(list);
  Py_XDECREF(empty);
  return list;
}

static PyObject *text_lists(const Scanner *scanner, PyObject *const *blocks, Py_ssize_t count, Py_ssize_t rows) {
  PyObject *lists = PyTuple_New(scanner->texts);
  for (Py_ssize_t i = 0; lists && i < scanner->count; i++) {
    if (scanner->columns[i].kind != 's') continue;
    PyObject *list = text_list(blocks, count, rows, i);
    if (list) PyTuple_SET_ITEM(lists, scanner->columns[i].slot, list);
    else Py_CLEAR(lists);
  }
  return lists;
}

/* Whether all are blocks of this scanner; their rows. */
static bool count_rows(const Scanner *scanner, PyObject *const *blocks, Py_ssize_t count, Py_ssize_t *rows) {
  *rows = 0;
  for (Py_ssize_t n = 0; n < count; n++) {
    const Block *block = (const Block *)blocks[n];
    if (!Py_IS_TYPE(blocks[n], &BlockType) || block->scanner != scanner) return false;
    *rows += block->rows;
  }
  return true;
}

static PyObject *put_blocks(const Scanner *scanner, PyObject *list, Py_buffer *integers, Py_buffer *reals) {
  PyObject *const *blocks = PySequence_Fast_ITEMS(list);
  Py_ssize_t count = PySequence_Fast_GET_SIZE(list), rows, at = 0;
  if (!count_rows(scanner, blocks, count, &rows)) {
    return PyErr_SetString(PyExc_TypeError, "these are not blocks of this scanner"), NULL;
  }
  if (integers->len != scanner->integers * rows * 8 || reals->len != scanner->reals * rows * 4) {
    return PyErr_SetString(PyExc_ValueError, "a buffer is not of the rows' size"), NULL;
  }
  for (Py_ssize_t n = 0; n < count; n++) {
    const Block *block = (const Block *)blocks[n];
    put_rows(block, at, rows, integers->buf, reals->buf);
    at += block->rows;
  }
  return text_lists(scanner, blocks, count, rows);
}

static PyObject *scanner_put(Scanner *scanner, PyObject *const *arguments, Py_ssize_t count) {
  Py_buffer integers, reals;
  if (count != 3 || !PyList_CheckExact(arguments[0])) {
    return PyErr_SetString(PyExc_TypeError, "put(blocks: list, integers, reals)"), NULL;
  }
  if (PyObject_GetBuffer(arguments[1], &integers, PyBUF_WRITABLE) < 0) return NULL;
  if (PyObject_GetBuffer(arguments[2], &reals, PyBUF_WRITABLE) < 0) return PyBuffer_Release(&integers), NULL;
  PyObject *texts = put_blocks(scanner, arguments[0], &integers, &reals);
  PyBuffer_Release(&reals);
  PyBuffer_Release(&integers);
  return texts;
}

static PyObject *scanner_tally(Scanner *scanner, PyObject *list) {
  Py_ssize_t rows, unknown = 0;
  if (!PyList_CheckExact(list) || !count_rows(scanner, PySequence_Fast_ITEMS(list), PyList_GET_SIZE(list), &rows)) {
    return PyErr_SetString(PyExc_TypeError, "these are not blocks of this scanner"), NULL;
  }
  PyObject *const *blocks = PySequence_Fast_ITEMS(list);
  for (Py_ssize_t n = 0; n < PyList_GET_SIZE(list); n++) unknown += ((const Block *)blocks[n])->unknown;
  PyObject *nulls = nulls_of(scanner, blocks, PyList_GET_SIZE(list));
  return nulls ? Py_BuildValue("(Nn)", nulls, unknown) : NULL;
}

static void scanner_dealloc(Scanner *scanner) {
  PyMem_Free(scanner->columns);
  PyMem_Free(scanner->order);
  Py_XDECREF(scanner->names);
  Py_TYPE(scanner)->tp_free(scanner);
}

static bool plain_name(const Column *column) {
  for (Py_ssize_t i = 0; i < column->size; i++)
    if ((unsigned char)column->name[i] < 0x20 || column->name[i] == '"' || column->name[i] == '\\') return false;
  return true;
}

static int add_column(Scanner *scanner, Py_ssize_t i, char kind) {
  Column *column = &scanner->columns[i];
  PyObject *name = PyTuple_GET_ITEM(scanner->names, i);
  if (!PyUnicode_Check(name)) return PyErr_SetString(PyExc_TypeError, "a name is a string"), -1;
  if (!(column->name = PyUnicode_AsUTF8AndSize(name, &column->size))) return -1;
  if (!plain_name(column)) return PyErr_SetString(PyExc_ValueError, "JSON writes this name with escapes"), -1;
  Py_ssize_t *group = kind == 's' ? &scanner->texts : kind == 'f' ? &scanner->reals : &scanner->integers;
  set_head(column);
  column->kind = kind;
  column->slot = (*group)++;
  scanner->order[i] = i;
  return 0;
}

static PyObject *scanner_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords) {
  static char *known[] = {"names", "kinds", "missing_as_null", "max_rows", NULL};
  PyObject *names;
  const char *kinds;
  int missing_as_null;
  Py_ssize_t max_rows;
  if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "O!s$pn", known, &PyTuple_Type, &names, &kinds,
                                   &missing_as_null, &max_rows))
    return NULL;
  Py_ssize_t count = PyTuple_GET_SIZE(names);
  if (!count || count > MAX_COLUMNS || (size_t)count != strlen(kinds) || strspn(kinds, "ibfs") != (size_t)count) {
    return PyErr_SetString(PyExc_ValueError, "as many of the kinds i, b, f and s as names"), NULL;
  }
  Scanner *scanner = (Scanner *)type->tp_alloc(type, 0);
  if (!scanner) return NULL;
  scanner->names = Py_NewRef(names);
  scanner->count = count;
  scanner->max_rows = max_rows;
  scanner->missing_as_null = missing_as_null;
  scanner->columns = PyMem_Calloc((size_t)count, sizeof(Column));
  scanner->order = PyMem_Calloc((size_t)count, sizeof(Py_ssize_t));
  bool good = scanner->columns && scanner->order;
  if (!good) PyErr_NoMemory();
  for (Py_ssize_t i = 0; good && i < count; i++) good = add_column(scanner, i, kinds[i]) == 0;
  if (!good) Py_CLEAR(scanner);
  return (PyObject *)scanner;
}

static PyMethodDef scanner_methods[] = {
    {"scan", (PyCFunction)scanner_scan, METH_O, "The block of a body, or None when it is not read here."},
    {"put", (PyCFunction)(void (*)(void))scanner_put, METH_FASTCALL,
     "Write the rows of blocks into matrices [columns, rows], of int64 and of float32; the texts by column."},
    {"tally", (PyCFunction)scanner_tally, METH_O, "Nulls by column, of those that have some, and unknown values."},
    {NULL},
};

static PyTypeObject ScannerType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "sqlrec.serving._rows.Scanner",
    .tp_doc = "Reads bodies of one model.",
    .tp_basicsize = sizeof(Scanner),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = scanner_new,
    .tp_dealloc = (destructor)scanner_dealloc,
    .tp_methods = scanner_methods,
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, .m_name = "sqlrec.serving._rows", .m_doc = "Quick reading of JSON rows.", .m_size = -1};

PyMODINIT_FUNC PyInit__rows(void) {
  PyObject *self = PyModule_Create(&module);
  if (self && (PyModule_AddType(self, &ScannerType) < 0 || PyModule_AddType(self, &BlockType) < 0)) Py_CLEAR(self);
  return self;
}
