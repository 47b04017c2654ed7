/* Rows or columns of a body -> a Block: its values, of which those of column c and row i are
   cells[lanes[c].start + i * lanes[c].step]. Part of _rows.c. */

#ifndef SQLREC_ROWS_BLOCK_H
#define SQLREC_ROWS_BLOCK_H

#include "_rows_values.h"

enum { MAX_COLUMNS = 4096, MAX_UNKNOWN = 8 };

typedef struct {
  const char *name; /* UTF-8, held by Scanner.names */
  Py_ssize_t size;
  uint64_t head; /* its first bytes, and which bits of a word they are */
  uint64_t mask;
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

/* ---- keys */

enum { WORD = sizeof(uint64_t) };

static void set_head(Column *column) {
  size_t size = column->size < WORD ? (size_t)column->size : WORD;
  memcpy(&column->head, column->name, size);
  memset(&column->mask, 0xFF, size);
}

/* Whether the name and a quote stand at p, a word at a time: most names are short. */
static inline bool is_name(const Column *column, const char *p, const char *end) {
  if (end - p <= column->size || p[column->size] != '"') return false;
  if (end - p < WORD) return memcmp(p, column->name, (size_t)column->size) == 0;
  uint64_t word;
  memcpy(&word, p, WORD);
  if ((word & column->mask) != column->head) return false;
  return column->size <= WORD || memcmp(p + WORD, column->name + WORD, (size_t)column->size - WORD) == 0;
}

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
  if (is_name(column, *p + 1, end)) {
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

#endif
