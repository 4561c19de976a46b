/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_regex - compiles an expression to a little program and runs all its threads in step with the text.
 *
 * A thread is a place in the program and the slots it has saved; no place is entered twice for one character, so
 * a run takes at most program times text steps. Threads stand in the order in which a backtracking matcher would
 * have tried them, so the first that arrives is its answer too.
 */
#include "sbe/policy/policy_regex.h"

#include <errno.h>
#include <string.h>

#include "common/mem.h"

#define PROGRAM_MAX 256U
#define CLASSES_MAX 32U
#define DEPTH_MAX 16U
#define REPEAT_MAX 64U
#define SLOTS (2 * POLICY_REGEX_GROUPS)

enum op { OP_CHAR, OP_ANY, OP_CLASS, OP_SPLIT, OP_JUMP, OP_SAVE, OP_BEGIN, OP_END, OP_MATCH };

struct instruction {
	uint8_t op, c; /* c: the character, class or slot */
	uint16_t x, y; /* where it goes on; of a split x first */
};

struct policy_regex {
	bool any_case;
	unsigned n, nclasses, ngroups;
	uint8_t classes[CLASSES_MAX][32];
	struct instruction program[PROGRAM_MAX];
};

/* ---- compiling ---- */

struct parse {
	struct policy_regex *r;
	const char *at;
	const char *why;
	unsigned depth;
};

static int fail(struct parse *p, const char *why, int err)
{
	if (!p->why)
		p->why = why;
	return err;
}

static int emit(struct parse *p, enum op op, unsigned c)
{
	struct policy_regex *r = p->r;

	if (r->n == PROGRAM_MAX)
		return fail(p, "the expression is too large", -E2BIG);
	r->program[r->n++] = (struct instruction){.op = (uint8_t)op, .c = (uint8_t)c};
	return 0;
}

static void class_add(uint8_t *set, unsigned char from, unsigned char to)
{
	for (unsigned c = from; c <= to; c++)
		set[c / 8] |= (uint8_t)(1U << (c % 8));
}

/* \d \w \s; @return false: a literal */
static bool class_escape(char c, uint8_t *set)
{
	if (c == 'd') {
		class_add(set, '0', '9');
	} else if (c == 'w') {
		class_add(set, '0', '9');
		class_add(set, 'a', 'z');
		class_add(set, 'A', 'Z');
		class_add(set, '_', '_');
	} else if (c == 's') {
		class_add(set, ' ', ' ');
		class_add(set, '\t', '\t');
	} else {
		return false;
	}
	return true;
}

/* One member of a [class]; a range if a "-" and another character follow. */
static int class_member(struct parse *p, uint8_t *set)
{
	unsigned char from = (unsigned char)*p->at++, to;

	if (from == '\\') {
		from = (unsigned char)*p->at++;
		if (!from)
			return fail(p, "\\ at the end", -EINVAL);
		if (class_escape((char)from, set))
			return 0;
	}
	to = from;
	if (p->at[0] == '-' && p->at[1] && p->at[1] != ']') {
		to = (unsigned char)p->at[1];
		p->at += 2;
	}
	if (to < from)
		return fail(p, "a range in [ ] goes backwards", -EINVAL);
	class_add(set, from, to);
	return 0;
}

static int parse_class(struct parse *p)
{
	struct policy_regex *r = p->r;
	bool negate = *p->at == '^', first = true;
	uint8_t *set;

	if (r->nclasses == CLASSES_MAX)
		return fail(p, "too many [ ]", -E2BIG);
	set = r->classes[r->nclasses];
	memset(set, 0, 32);
	p->at += negate;
	for (; *p->at != ']' || first; first = false) {
		if (!*p->at)
			return fail(p, "[ without ]", -EINVAL);
		if (class_member(p, set))
			return -EINVAL;
	}
	p->at++;
	for (unsigned c = 'a'; r->any_case && c <= 'z'; c++) {
		unsigned upper = c - 32;
		bool in = set[c / 8] >> (c % 8) & 1 || set[upper / 8] >> (upper % 8) & 1;

		if (in)
			class_add(set, (unsigned char)c, (unsigned char)c);
		if (in)
			class_add(set, (unsigned char)upper, (unsigned char)upper);
	}
	for (unsigned i = 0; negate && i < 32; i++)
		set[i] = (uint8_t)~set[i];
	return emit(p, OP_CLASS, r->nclasses++);
}

static int parse_choice(struct parse *p);

static int parse_group(struct parse *p)
{
	unsigned group = ++p->r->ngroups;
	int err;

	if (group >= POLICY_REGEX_GROUPS)
		return fail(p, "more than nine groups", -E2BIG);
	if (++p->depth > DEPTH_MAX)
		return fail(p, "too many ( in one another", -E2BIG);
	err = emit(p, OP_SAVE, 2 * group);
	if (!err)
		err = parse_choice(p);
	if (!err && *p->at != ')')
		err = fail(p, "( without )", -EINVAL);
	if (err)
		return err;
	p->at++;
	p->depth--;
	return emit(p, OP_SAVE, 2 * group + 1);
}

static int parse_escape(struct parse *p)
{
	struct policy_regex *r = p->r;
	char c = *p->at++;

	if (!c)
		return fail(p, "\\ at the end", -EINVAL);
	if (c != 'd' && c != 'w' && c != 's')
		return emit(p, OP_CHAR, (unsigned char)c);
	if (r->nclasses == CLASSES_MAX)
		return fail(p, "too many classes", -E2BIG);
	memset(r->classes[r->nclasses], 0, 32);
	class_escape(c, r->classes[r->nclasses]);
	return emit(p, OP_CLASS, r->nclasses++);
}

static int parse_atom(struct parse *p)
{
	char c = *p->at++;

	switch (c) {
	case '(':
		return parse_group(p);
	case '[':
		return parse_class(p);
	case '\\':
		return parse_escape(p);
	case '.':
		return emit(p, OP_ANY, 0);
	case '^':
		return emit(p, OP_BEGIN, 0);
	case '$':
		return emit(p, OP_END, 0);
	case '*':
	case '+':
	case '?':
	case '{':
		return fail(p, "a repetition of nothing", -EINVAL);
	default:
		return emit(p, OP_CHAR, (unsigned char)c);
	}
}

static int parse_number(struct parse *p, unsigned *ret)
{
	unsigned n = 0;

	if (*p->at < '0' || *p->at > '9')
		return fail(p, "a number is missing in { }", -EINVAL);
	while (*p->at >= '0' && *p->at <= '9' && n <= REPEAT_MAX)
		n = n * 10 + (unsigned)(*p->at++ - '0');
	if (n > REPEAT_MAX)
		return fail(p, "more than 64 repetitions", -E2BIG);
	*ret = n;
	return 0;
}

/* How often: * + ? {n,m}; max UINT16_MAX: without end. @return 1 there is one, 0 none. */
static int parse_repeat(struct parse *p, unsigned *min, unsigned *max)
{
	char c = *p->at;

	*min = c == '+';
	*max = c == '?' ? 1 : UINT16_MAX;
	if (c == '*' || c == '+' || c == '?') {
		p->at++;
		return 1;
	}
	if (c != '{')
		return 0;
	p->at++;
	if (parse_number(p, min))
		return -EINVAL;
	*max = *min;
	if (*p->at == ',') {
		p->at++;
		*max = UINT16_MAX;
		if (*p->at != '}' && parse_number(p, max))
			return -EINVAL;
	}
	if (*p->at++ != '}' || *max < *min)
		return fail(p, "bad { }", -EINVAL);
	return 1;
}

/* Once more what stands at `from`: its groups keep their numbers. */
static int again(struct parse *p, const char *from, unsigned groups)
{
	const char *at = p->at;
	unsigned after = p->r->ngroups;
	int err;

	p->at = from;
	p->r->ngroups = groups;
	err = parse_atom(p);
	p->at = at;
	p->r->ngroups = after;
	return err;
}

/* The atom may be left out: a split in front of it. @return where that is, to be completed, or an error. */
static int optional(struct parse *p, const char *from, unsigned groups)
{
	unsigned split = p->r->n;
	int err = emit(p, OP_SPLIT, 0);

	if (!err)
		err = again(p, from, groups);
	if (err)
		return err;
	p->r->program[split].x = (uint16_t)(split + 1);
	return (int)split;
}

static int repeat(struct parse *p, const char *from, unsigned groups, unsigned start)
{
	struct policy_regex *r = p->r;
	unsigned min, max, splits[REPEAT_MAX], nsplits = 0;
	int rc = parse_repeat(p, &min, &max), at;

	if (rc <= 0)
		return rc;
	r->n = start; /* what has been written is written again, as often as is needed */
	for (unsigned i = 0; i < min; i++) {
		if (again(p, from, groups))
			return -EINVAL;
	}
	if (max == UINT16_MAX) {
		at = optional(p, from, groups);
		if (at < 0 || emit(p, OP_JUMP, 0))
			return -EINVAL;
		r->program[r->n - 1].x = (uint16_t)at;
		r->program[at].y = (uint16_t)r->n;
		return 0;
	}
	for (unsigned i = min; i < max; i++) {
		at = optional(p, from, groups);
		if (at < 0)
			return -EINVAL;
		splits[nsplits++] = (unsigned)at;
	}
	while (nsplits)
		r->program[splits[--nsplits]].y = (uint16_t)r->n;
	return 0;
}

static int parse_sequence(struct parse *p)
{
	while (*p->at && *p->at != '|' && *p->at != ')') {
		const char *from = p->at;
		unsigned groups = p->r->ngroups, start = p->r->n;
		int err = parse_atom(p);

		if (!err)
			err = repeat(p, from, groups, start);
		if (err)
			return err;
		if (*p->at == '*' || *p->at == '+' || *p->at == '?' || *p->at == '{')
			return fail(p, "a repetition of a repetition", -EINVAL);
	}
	return 0;
}

/* "a|b": split, a, jump to the end, b */
static int parse_choice(struct parse *p)
{
	struct policy_regex *r = p->r;
	unsigned start = r->n, jump;
	int err = parse_sequence(p);

	if (err || *p->at != '|')
		return err;
	if (r->n == PROGRAM_MAX)
		return fail(p, "the expression is too large", -E2BIG);
	memmove(&r->program[start + 1], &r->program[start], (r->n - start) * sizeof(r->program[0]));
	r->n++;
	for (unsigned i = start + 1; i < r->n; i++) { /* all targets lie inside what has moved */
		struct instruction *in = &r->program[i];

		if (in->op == OP_SPLIT || in->op == OP_JUMP)
			in->x++;
		if (in->op == OP_SPLIT)
			in->y++;
	}
	jump = r->n;
	err = emit(p, OP_JUMP, 0);
	if (err)
		return err;
	r->program[start] = (struct instruction){
		.op = OP_SPLIT, .x = (uint16_t)(start + 1), .y = (uint16_t)r->n};
	p->at++;
	err = parse_choice(p);
	r->program[jump].x = (uint16_t)r->n;
	return err;
}

int policy_regex_new(const char *text, bool any_case, struct policy_regex **ret_regex,
		     const char **ret_why)
{
	struct policy_regex *r = mem_zalloc(sizeof(*r), NULL);
	struct parse p = {.r = r, .at = text};
	int err;

	if (!r)
		return -ENOMEM;
	r->any_case = any_case;
	err = emit(&p, OP_SAVE, 0);
	if (!err)
		err = parse_choice(&p);
	if (!err && *p.at)
		err = fail(&p, ") without (", -EINVAL);
	if (!err)
		err = emit(&p, OP_SAVE, 1);
	if (!err)
		err = emit(&p, OP_MATCH, 0);
	if (err) {
		*ret_why = p.why;
		mem_unref(r);
		return err;
	}
	*ret_regex = r;
	return 0;
}

unsigned policy_regex_groups(const struct policy_regex *r)
{
	return r->ngroups;
}

/* ---- running ---- */

struct thread {
	uint16_t pc;
	uint16_t slots[SLOTS];
};

struct threads {
	unsigned n;
	struct thread list[PROGRAM_MAX];
};

struct run {
	const struct policy_regex *r;
	struct wire_text t;
	unsigned at, steps;
	uint32_t mark; /* per character: which places have been entered */
	uint32_t entered[PROGRAM_MAX];
};

#define NO_SLOT UINT16_MAX

/* Add a thread and all it leads to without reading a character. The way back is kept on a stack of our own. */
static void add(struct run *run, struct threads *to, unsigned pc, const uint16_t *slots)
{
	struct frame {
		uint16_t pc, slot, old; /* slot NO_SLOT: go to pc; else put old back into it */
	} stack[2 * PROGRAM_MAX];
	uint16_t now[SLOTS];
	unsigned n = 0;

	memcpy(now, slots, sizeof(now));
	stack[n++] = (struct frame){(uint16_t)pc, NO_SLOT, 0};
	while (n) {
		struct frame f = stack[--n];
		const struct instruction *in = &run->r->program[f.pc];

		if (f.slot != NO_SLOT) {
			now[f.slot] = f.old;
			continue;
		}
		if (run->entered[f.pc] == run->mark)
			continue;
		run->entered[f.pc] = run->mark;
		run->steps++;
		if (in->op == OP_JUMP) {
			stack[n++] = (struct frame){in->x, NO_SLOT, 0};
		} else if (in->op == OP_SPLIT) {
			stack[n++] = (struct frame){in->y, NO_SLOT, 0};
			stack[n++] = (struct frame){in->x, NO_SLOT, 0};
		} else if (in->op == OP_SAVE) {
			stack[n++] = (struct frame){f.pc, in->c, now[in->c]};
			now[in->c] = (uint16_t)run->at;
			stack[n++] = (struct frame){(uint16_t)(f.pc + 1), NO_SLOT, 0};
		} else if (in->op == OP_BEGIN || in->op == OP_END) {
			if (run->at == (in->op == OP_BEGIN ? 0 : run->t.n))
				stack[n++] = (struct frame){(uint16_t)(f.pc + 1), NO_SLOT, 0};
		} else {
			to->list[to->n].pc = f.pc;
			memcpy(to->list[to->n++].slots, now, sizeof(now));
		}
	}
}

static bool takes(const struct policy_regex *r, const struct instruction *in, unsigned char c)
{
	if (in->op == OP_ANY)
		return true;
	if (in->op == OP_CLASS)
		return r->classes[in->c][c / 8] >> (c % 8) & 1;
	if (in->op != OP_CHAR)
		return false;
	if (c == in->c)
		return true;
	return r->any_case && (c | 32) == (in->c | 32) && (c | 32) >= 'a' && (c | 32) <= 'z';
}

/* One character further. @return true: a thread has arrived, its slots are in found. */
static bool step(struct run *run, const struct threads *from, struct threads *to, uint16_t *found)
{
	bool more = run->at < run->t.n;
	unsigned char c = more ? (unsigned char)run->t.s[run->at] : 0;

	run->at++;
	run->mark++;
	for (unsigned i = 0; i < from->n; i++) {
		const struct thread *th = &from->list[i];
		const struct instruction *in = &run->r->program[th->pc];

		run->steps++;
		if (in->op == OP_MATCH) {
			memcpy(found, th->slots, sizeof(th->slots));
			return true; /* the others come later in the order */
		}
		if (more && takes(run->r, in, c))
			add(run, to, th->pc + 1U, th->slots);
	}
	return false;
}

int policy_regex_match(const struct policy_regex *r, struct wire_text t, struct wire_text *groups,
		       unsigned *budget)
{
	static struct threads lists[2]; /* loop thread; too large for a stack */
	static struct run run;
	uint16_t none[SLOTS], found[SLOTS];
	struct threads *now = &lists[0], *next = &lists[1];
	bool matched = false;

	memset(none, 0xff, sizeof(none));
	memset(&run, 0, sizeof(run));
	run.r = r;
	run.t = t;
	if (t.n > POLICY_REGEX_TEXT_MAX_BYTES)
		run.t.n = POLICY_REGEX_TEXT_MAX_BYTES;
	now->n = 0;
	run.mark = 1;
	add(&run, now, 0, none);
	for (;;) {
		struct threads *swap = now;

		if (budget && run.steps > *budget) {
			*budget = 0;
			return -EAGAIN;
		}
		next->n = 0;
		matched |= step(&run, now, next, found);
		if (run.at > run.t.n)
			break;
		if (!matched)
			add(&run, next, 0, none); /* a match may begin here */
		now = next;
		next = swap;
		if (!now->n && matched)
			break;
	}
	if (budget)
		*budget -= run.steps < *budget ? run.steps : *budget;
	for (unsigned i = 0; matched && groups && i < POLICY_REGEX_GROUPS; i++) {
		bool set = found[2 * i] != NO_SLOT && found[2 * i + 1] != NO_SLOT;

		groups[i] = set ? (struct wire_text){run.t.s + found[2 * i],
						     (size_t)(found[2 * i + 1] - found[2 * i])}
				: (struct wire_text){NULL, 0};
	}
	return matched;
}
