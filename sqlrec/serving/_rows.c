/* JSON rows or columns of scalars -> typed columns, in one pass and without an object per value.

   The quick half of sqlrec.serving.json_wire. It reads what clients send all day; whatever is wrong or
   rare (a bad value, a feature left out, a key twice, nested values, a number that is not of the column's
   own kind) makes scan() give None, and the Python half then reads the body from its start. So there is
   one place that words errors, and one place that says what a value means.

   Bodies are bytes objects, which end with a NUL that is no part of JSON: a scan stops there at the latest. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <structmember.h>

typedef enum { FAILED = -1, REFUSED = 0, READ = 1 } Result; /* FAILED: a Python exception is set */

enum { MAX_COLUMNS = 4096, MAX_UNKNOWN = 8, MAX_NUMBER = 400 };

typedef union {
  int64_t integer;
  float real;
  PyObject *text; /* NULL: the empty string, which stands for null */
} Cell;

typedef struct {
  const char *name; /* UTF-8, held by Scanner.names */
  Py_ssize_t size;
  Py_ssize_t slot; /* place among the columns of its group */
  char kind;       /* i: int64, b: boolean as int64, f: float32, s: string */
} Column;

typedef struct {
  PyObject_HEAD
  PyObject *names;
  Column *columns;
  Py_ssize_t *order; /* column of the n-th key as last seen: a guess, right for clients that keep theirs */
  Py_ssize_t count, integers, reals, texts, max_rows;
  int missing_as_null;
} Scanner;

typedef struct {
  Py_ssize_t start, step; /* row i is cells[start + i * step] */
  Py_ssize_t filled;      /* values read so far */
  Py_ssize_t nulls;
} Lane;

typedef struct {
  PyObject_VAR_HEAD
  Scanner *scanner;
  Cell *cells;
  Py_ssize_t used, room, rows, unknown;
  Lane lanes[1]; /* one a column */
} Block;

typedef struct {
  const char *at[MAX_UNKNOWN];
  Py_ssize_t size[MAX_UNKNOWN];
  int count;
} Unknown; /* keys of one object that name no column */

static PyTypeObject ScannerType, BlockType;

/* ---- scalars */

typedef struct {
  const char *end;
  uint64_t digits;
  int exponent;
  bool negative, whole, rounded; /* rounded: there are more digits than `digits` holds */
} Number;

static const char *skip_space(const char *p) {
  while (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r') p++;
  return p;
}

static inline bool is_digit(char c) { return (unsigned char)(c - '0') < 10; }

static const char *take_digits(const char *p, Number *n, int places) {
  for (; is_digit(*p); p++) {
    if (n->digits > (UINT64_MAX - 9) / 10) {
      n->rounded = true;
      n->exponent += 1 - places;
    } else {
      n->digits = n->digits * 10 + (uint64_t)(*p - '0');
      n->exponent -= places;
    }
  }
  return p;
}

static const char *take_exponent(const char *p, Number *n) {
  bool negative = *p == '-';
  if (*p == '-' || *p == '+') p++;
  if (!is_digit(*p)) return NULL;
  int value = 0;
  for (; is_digit(*p); p++)
    if (value < 100000) value = value * 10 + (*p - '0');
  n->exponent += negative ? -value : value;
  return p;
}

static Result read_number(const char *p, Number *n) {
  *n = (Number){.whole = true};
  if (*p == '-') n->negative = true, p++;
  if (!is_digit(*p) || (*p == '0' && is_digit(p[1]))) return REFUSED;
  p = take_digits(p, n, 0);
  if (*p == '.') {
    if (!is_digit(p[1])) return REFUSED;
    n->whole = false;
    p = take_digits(p + 1, n, 1);
  }
  if (*p == 'e' || *p == 'E') {
    n->whole = false;
    if (!(p = take_exponent(p + 1, n))) return REFUSED;
  }
  n->end = p;
  return n->whole && n->negative && !n->digits ? REFUSED : READ; /* JSON readers differ about -0 */
}

static Result to_integer(const Number *n, int64_t *value) {
  if (!n->whole || n->rounded || n->digits > (uint64_t)INT64_MAX + n->negative) return REFUSED;
  *value = (int64_t)(n->negative ? 0 - n->digits : n->digits);
  return READ;
}

/* Powers of ten that a double holds exactly: with a mantissa below 2^53, one operation rounds correctly. */
static const double TENS[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                              1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static Result to_double(const char *p, const Number *n, double *value) {
  if (FLT_EVAL_METHOD == 0 && !n->rounded && n->digits <= (1ULL << 53) && abs(n->exponent) <= 22) {
    double digits = (double)n->digits;
    *value = n->exponent < 0 ? digits / TENS[-n->exponent] : digits * TENS[n->exponent];
    if (n->negative) *value = -*value;
    return READ;
  }
  char text[MAX_NUMBER + 1];
  ptrdiff_t size = n->end - p;
  if (size > MAX_NUMBER) return REFUSED;
  memcpy(text, p, (size_t)size);
  text[size] = 0;
  *value = PyOS_string_to_double(text, NULL, NULL);
  if (*value == -1.0 && PyErr_Occurred()) return FAILED;
  return isinf(*value) ? REFUSED : READ;
}

static Result read_real(const char **p, float *value) {
  Number number;
  double wide;
  Result result = read_number(*p, &number);
  if (result == READ) result = to_double(*p, &number, &wide);
  if (result != READ) return result;
  *value = wide > FLT_MAX ? FLT_MAX : wide < -FLT_MAX ? -FLT_MAX : (float)wide;
  *p = number.end;
  return READ;
}

static Result read_integer(const char **p, int64_t *value) {
  Number number;
  if (read_number(*p, &number) != READ || to_integer(&number, value) != READ) return REFUSED;
  *p = number.end;
  return READ;
}

static bool take_word(const char **p, const char *word, size_t size) {
  if (strncmp(*p, word, size) != 0) return false;
  *p += size;
  return true;
}

static Result read_boolean(const char **p, int64_t *value) {
  if (take_word(p, "true", 4)) return *value = 1, READ;
  if (take_word(p, "false", 5)) return *value = 0, READ;
  return read_integer(p, value) == READ && (*value == 0 || *value == 1) ? READ : REFUSED;
}

/* ---- strings */

typedef struct {
  const char *start, *end; /* between the quotes */
  bool ascii, escaped;
} Span;

static Result read_span(const char **p, Span *span) {
  const unsigned char *q = (const unsigned char *)*p + 1;
  *span = (Span){.start = (const char *)q, .ascii = true};
  for (; *q != '"'; q++) {
    if (*q < 0x20) return REFUSED;
    if (*q >= 0x80) span->ascii = false;
    if (*q == '\\') {
      span->escaped = true;
      if (*++q < 0x20) return REFUSED;
    }
  }
  span->end = (const char *)q;
  *p = (const char *)q + 1;
  return READ;
}

static int32_t read_hex(const char *p) {
  int32_t value = 0;
  for (int i = 0; i < 4; i++) {
    char c = p[i];
    int digit = is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

static char *put_utf8(char *out, int32_t code) {
  if (code < 0x80) {
    *out++ = (char)code;
  } else if (code < 0x800) {
    *out++ = (char)(0xC0 | code >> 6);
    *out++ = (char)(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    *out++ = (char)(0xE0 | code >> 12);
    *out++ = (char)(0x80 | (code >> 6 & 0x3F));
    *out++ = (char)(0x80 | (code & 0x3F));
  } else {
    *out++ = (char)(0xF0 | code >> 18);
    *out++ = (char)(0x80 | (code >> 12 & 0x3F));
    *out++ = (char)(0x80 | (code >> 6 & 0x3F));
    *out++ = (char)(0x80 | (code & 0x3F));
  }
  return out;
}

/* The character of "\uXXXX", which is two of them beyond the basic plane; -1 for half a pair. */
static int32_t read_unicode(const char **p) {
  int32_t code = read_hex(*p);
  *p += 4;
  if (code < 0xD800 || code > 0xDFFF) return code;
  if (code > 0xDBFF || (*p)[0] != '\\' || (*p)[1] != 'u') return -1;
  int32_t low = read_hex(*p + 2);
  if (low < 0xDC00 || low > 0xDFFF) return -1;
  *p += 6;
  return 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
}

/* Text without its escapes, as UTF-8; it never becomes longer. The end, or NULL. */
static char *unescape(const Span *span, char *out) {
  static const char LETTERS[] = "\"\\/bfnrt", MEANT[] = "\"\\/\b\f\n\r\t";
  for (const char *p = span->start; p < span->end;) {
    if (*p != '\\') {
      *out++ = *p++;
      continue;
    }
    const char *letter = strchr(LETTERS, p[1]);
    p += 2;
    if (letter) {
      *out++ = MEANT[letter - LETTERS];
      continue;
    }
    int32_t code = p[-1] == 'u' ? read_unicode(&p) : -1;
    if (code < 0) return NULL;
    out = put_utf8(out, code);
  }
  return out;
}

static PyObject *decoded(const char *text, Py_ssize_t size) {
  PyObject *string = PyUnicode_DecodeUTF8(text, size, NULL);
  if (!string && PyErr_ExceptionMatches(PyExc_UnicodeDecodeError)) PyErr_Clear();
  return string;
}

static Result read_text(const char **p, PyObject **value) {
  Span span;
  if (**p != '"' || read_span(p, &span) != READ) return REFUSED;
  Py_ssize_t size = span.end - span.start;
  if (span.escaped) {
    char *plain = PyMem_Malloc((size_t)size);
    if (!plain) return PyErr_NoMemory(), FAILED;
    char *end = unescape(&span, plain);
    *value = end ? decoded(plain, end - plain) : NULL;
    PyMem_Free(plain);
  } else if (span.ascii) {
    if ((*value = PyUnicode_New(size, 127))) memcpy(PyUnicode_1BYTE_DATA(*value), span.start, (size_t)size);
  } else {
    *value = decoded(span.start, size);
  }
  return *value ? READ : PyErr_Occurred() ? FAILED : REFUSED;
}

/* ---- values of columns */

static Cell missing_cell(char kind) {
  switch (kind) {
  case 'f':
    return (Cell){.real = NAN};
  case 's':
    return (Cell){.text = NULL};
  default:
    return (Cell){.integer = INT64_MIN};
  }
}

static Result read_cell(const char **p, char kind, Cell *cell, Py_ssize_t *nulls) {
  if (**p == 'n') {
    *cell = missing_cell(kind);
    ++*nulls;
    return take_word(p, "null", 4) ? READ : REFUSED;
  }
  switch (kind) {
  case 'i':
    return read_integer(p, &cell->integer);
  case 'f':
    return read_real(p, &cell->real);
  case 'b':
    return read_boolean(p, &cell->integer);
  default:
    return read_text(p, &cell->text);
  }
}

/* A value that nobody reads must be JSON all the same; what is nested is left to the Python half. */
static Result skip_scalar(const char **p) {
  Span span;
  float number;
  switch (**p) {
  case '"':
    return read_span(p, &span) == READ && span.ascii && !span.escaped ? READ : REFUSED;
  case 'n':
    return take_word(p, "null", 4) ? READ : REFUSED;
  case 't':
    return take_word(p, "true", 4) ? READ : REFUSED;
  case 'f':
    return take_word(p, "false", 5) ? READ : REFUSED;
  default:
    return read_real(p, &number);
  }
}

/* ---- keys */

static Py_ssize_t search(const Scanner *scanner, const char *name, Py_ssize_t size) {
  for (Py_ssize_t i = 0; i < scanner->count; i++) {
    const Column *column = &scanner->columns[i];
    if (column->size == size && memcmp(column->name, name, (size_t)size) == 0) return i;
  }
  return -1;
}

/* Keys that mean nothing are counted once each, as a dict would hold them. */
static Result note_unknown(Unknown *unknown, const Span *span) {
  Py_ssize_t size = span->end - span->start;
  if (!span->ascii || unknown->count == MAX_UNKNOWN) return REFUSED;
  for (int i = 0; i < unknown->count; i++)
    if (unknown->size[i] == size && memcmp(unknown->at[i], span->start, (size_t)size) == 0) return REFUSED;
  unknown->at[unknown->count] = span->start;
  unknown->size[unknown->count++] = size;
  return READ;
}

/* The column of the key at p (-1: none), the n-th of its object; p moves behind the colon. */
static Result read_key(Scanner *scanner, const char **p, const char *end, Py_ssize_t n, Unknown *unknown,
                       Py_ssize_t *found) {
  if (**p != '"') return REFUSED;
  Py_ssize_t guess = n < scanner->count ? scanner->order[n] : 0;
  const Column *column = &scanner->columns[guess];
  if (end - *p > column->size + 1 && (*p)[column->size + 1] == '"' &&
      memcmp(*p + 1, column->name, (size_t)column->size) == 0) {
    *found = guess;
    *p += column->size + 2;
  } else {
    Span span;
    if (read_span(p, &span) != READ || span.escaped) return REFUSED;
    *found = search(scanner, span.start, span.end - span.start);
    if (*found < 0 && note_unknown(unknown, &span) != READ) return REFUSED;
    if (*found >= 0 && n < scanner->count) scanner->order[n] = *found;
  }
  *p = skip_space(*p);
  if (**p != ':') return REFUSED;
  *p = skip_space(*p + 1);
  return READ;
}

/* After a value: 1 when another follows a comma, 0 at the closing bracket, -1 for anything else. */
static int take_separator(const char **p, char closing) {
  *p = skip_space(*p);
  char c = **p;
  if (c != ',' && c != closing) return -1;
  *p = skip_space(*p + 1);
  return c == ',';
}

/* ---- rows and columns */

static Result make_room(Block *block, Py_ssize_t more) {
  if (block->used + more <= block->room) return READ;
  Py_ssize_t room = block->room ? 2 * block->room : 4 * block->scanner->count;
  while (room < block->used + more) room *= 2;
  Cell *cells = PyMem_Realloc(block->cells, (size_t)room * sizeof(Cell));
  if (!cells) return PyErr_NoMemory(), FAILED;
  block->cells = cells;
  block->room = room;
  return READ;
}

static Result fill_absent(Block *block, Py_ssize_t row) {
  const Scanner *scanner = block->scanner;
  if (!scanner->missing_as_null) return REFUSED;
  for (Py_ssize_t i = 0; i < scanner->count; i++) {
    Lane *lane = &block->lanes[i];
    if (lane->filled > row) continue;
    block->cells[lane->start + row * lane->step] = missing_cell(scanner->columns[i].kind);
    lane->filled++;
    lane->nulls++;
  }
  return READ;
}

static Result read_member(Block *block, const char **p, Py_ssize_t row, Py_ssize_t column) {
  Lane *lane = &block->lanes[column];
  if (lane->filled > row) return REFUSED; /* a key twice */
  Cell *cell = &block->cells[lane->start + row * lane->step];
  Result result = read_cell(p, block->scanner->columns[column].kind, cell, &lane->nulls);
  if (result == READ) lane->filled++;
  return result;
}

static Result read_row(Block *block, const char **p, const char *end) {
  Scanner *scanner = block->scanner;
  Unknown unknown = {.count = 0};
  Py_ssize_t row = block->rows, known = 0, column;
  if (**p != '{' || row == scanner->max_rows) return REFUSED;
  Result result = make_room(block, scanner->count);
  *p = skip_space(*p + 1);
  for (Py_ssize_t n = 0; result == READ; n++) {
    result = read_key(scanner, p, end, n, &unknown, &column);
    if (result != READ) return result;
    result = column < 0 ? skip_scalar(p) : read_member(block, p, row, column);
    if (result != READ) return result;
    known += column >= 0;
    int more = take_separator(p, '}');
    if (more < 0) return REFUSED;
    if (!more) break;
  }
  if (result == READ && known < scanner->count) result = fill_absent(block, row);
  block->used += scanner->count;
  block->unknown += unknown.count;
  block->rows++;
  return result;
}

static Result read_rows(Block *block, const char **p, const char *end) {
  for (Py_ssize_t i = 0; i < block->scanner->count; i++)
    block->lanes[i] = (Lane){.start = i, .step = block->scanner->count};
  *p = skip_space(*p + 1);
  for (;;) {
    Result result = read_row(block, p, end);
    if (result != READ) return result;
    int more = take_separator(p, ']');
    if (more <= 0) return more < 0 ? REFUSED : READ;
  }
}

static Result read_list(Block *block, const char **p, Py_ssize_t column) {
  Lane *lane = &block->lanes[column];
  if (**p != '[' || lane->step) return REFUSED; /* no list, or a key twice */
  *lane = (Lane){.start = block->used, .step = 1};
  *p = skip_space(*p + 1);
  if (**p == ']') return REFUSED; /* no rows */
  for (;;) {
    Result result = make_room(block, 1);
    if (result != READ) return result;
    if (lane->filled == block->scanner->max_rows) return REFUSED;
    Cell *cell = &block->cells[block->used];
    result = read_cell(p, block->scanner->columns[column].kind, cell, &lane->nulls);
    if (result != READ) return result;
    block->used++;
    lane->filled++;
    int more = take_separator(p, ']');
    if (more <= 0) return more < 0 ? REFUSED : READ;
  }
}

/* Columns of one length; those of length 1 hold for every row, those left out may be null. */
static Result level(Block *block) {
  const Scanner *scanner = block->scanner;
  Py_ssize_t rows = 0, known = 0;
  for (Py_ssize_t i = 0; i < scanner->count; i++) {
    Py_ssize_t filled = block->lanes[i].filled;
    known += filled > 0;
    if (filled > 1 && rows > 1 && filled != rows) return REFUSED;
    if (filled > rows) rows = filled;
  }
  if (!rows || (known < scanner->count && !scanner->missing_as_null)) return REFUSED;
  Result result = make_room(block, scanner->count);
  for (Py_ssize_t i = 0; i < scanner->count && result == READ; i++) {
    Lane *lane = &block->lanes[i];
    if (!lane->filled) {
      *lane = (Lane){.start = block->used++, .filled = 1, .nulls = 1};
      block->cells[lane->start] = missing_cell(scanner->columns[i].kind);
    }
    if (lane->filled < rows) {
      lane->step = 0;
      lane->nulls *= rows;
    }
  }
  block->rows = rows;
  return result;
}

static Result read_columns(Block *block, const char **p, const char *end) {
  Unknown unknown = {.count = 0};
  Py_ssize_t column;
  *p = skip_space(*p + 1);
  for (Py_ssize_t n = 0;; n++) {
    Result result = read_key(block->scanner, p, end, n, &unknown, &column);
    if (result != READ) return result;
    result = column < 0 ? skip_scalar(p) : read_list(block, p, column);
    if (result != READ) return result;
    int more = take_separator(p, '}');
    if (more < 0) return REFUSED;
    if (!more) break;
  }
  block->unknown = unknown.count;
  return level(block);
}

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
