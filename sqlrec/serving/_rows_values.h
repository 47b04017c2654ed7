/* Values of JSON: numbers, words and strings, read as strictly as orjson reads them.

   Part of _rows.c. A reader moves its place behind what it read, and says REFUSED for all that is no value of
   its kind; the place is then of no more use. */

#ifndef SQLREC_ROWS_VALUES_H
#define SQLREC_ROWS_VALUES_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef enum { FAILED = -1, REFUSED = 0, READ = 1 } Result; /* FAILED: a Python exception is set */

enum { MAX_NUMBER = 400 };

typedef union {
  int64_t integer;
  float real;
  PyObject *text; /* NULL: the empty string, which stands for null */
} Cell;

/* ---- scalars */

typedef struct {
  const char *end;
  uint64_t digits;
  int exponent;
  bool negative, whole, rounded; /* rounded: there are more digits than `digits` holds */
} Number;

static inline const char *skip_space(const char *p) {
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

enum { SHORT_DIGITS = 18 }; /* so many always fit an int64 */

/* The usual integer, without sign, point or exponent; NULL when it is not that plain. */
static inline const char *take_short(const char *p, int64_t *value) {
  const char *start = p;
  uint64_t digits = 0;
  for (; is_digit(*p); p++) {
    if (p - start == SHORT_DIGITS) return NULL;
    digits = digits * 10 + (uint64_t)(*p - '0');
  }
  if (p == start || *p == '.' || *p == 'e' || *p == 'E' || (*start == '0' && p > start + 1)) return NULL;
  *value = (int64_t)digits;
  return p;
}

static inline Result read_integer(const char **p, int64_t *value) {
  const char *end = take_short(*p, value);
  if (end) return *p = end, READ;
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

#endif
