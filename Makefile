# SPDX-License-Identifier: Apache-2.0
# Speermint: one non-recursive makefile. `make` builds, `make demo` and `make check` install what they need first.
#
#   BUILD=dir      where everything goes (default build, build-asan and build-tsan with SAN)
#   SAN=list       address,undefined or thread
#   WERROR=1       warnings are errors (CI)
#   CC=clang       another compiler
#   PREFIX, DESTDIR for install
#
# Sources are found by wildcard: a new file needs no line here. A new folder needs one in tests/lint/layers.txt.

# A bare machine has neither gcc nor pkg-config when make starts, so nothing may call them while this file is read:
# everything that does is a recursive variable, first expanded inside a recipe.

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules --no-print-directory
ifeq ($(MAKELEVEL),0)
ifeq ($(filter -j%,$(MAKEFLAGS)),)
MAKEFLAGS += -j$(shell nproc 2>/dev/null || echo 2)
endif
endif

ifeq ($(origin CC),default)
CC := gcc
endif
AR ?= ar
PKG_CONFIG ?= pkg-config
PREFIX ?= /usr/local
SAN ?=
SECONDS_EACH ?= 10

ifeq ($(SAN),)
BUILD ?= build
else ifneq ($(findstring address,$(SAN)),)
BUILD ?= build-asan
else ifneq ($(findstring thread,$(SAN)),)
BUILD ?= build-tsan
else
BUILD ?= build-san
endif

# ---------------------------------------------------------------- flags
WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Werror=vla
ifneq ($(WERROR),)
WARN += -Werror
endif

CFLAGS ?= -O2 -g
BASE_CFLAGS = -std=gnu11 -D_GNU_SOURCE -I. -I$(BUILD)/gen -fvisibility=hidden -fPIE $(CFLAGS)
BASE_LDFLAGS = -pie -Wl,--as-needed $(LDFLAGS)
ifeq ($(SAN),)
BASE_CFLAGS += -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
BASE_LDFLAGS += -Wl,-z,relro,-z,now
else
BASE_CFLAGS += -fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer
BASE_LDFLAGS += -fsanitize=$(SAN)
endif
ifneq ($(FUZZ),)
BASE_CFLAGS += -fsanitize=fuzzer-no-link
endif

# $(call once,NAME,command): the variable NAME becomes the command's output at its first use and stays so
once = $(eval $1 := $$(shell $2))$($1)

PKGS_COMMON := libuv openssl jansson libprotobuf-c libmicrohttpd libsystemd
PKGS_SBE := sofia-sip-ua libcares libcurl
PKGS_CLI := libedit

CFLAGS_COMMON = $(call once,CFLAGS_COMMON,$(PKG_CONFIG) --cflags $(PKGS_COMMON))
CFLAGS_SBE = $(call once,CFLAGS_SBE,$(PKG_CONFIG) --cflags $(PKGS_SBE) | sed 's/-I/-isystem /g')
CFLAGS_CLI = $(call once,CFLAGS_CLI,$(PKG_CONFIG) --cflags $(PKGS_CLI))
LIBS_COMMON = $(call once,LIBS_COMMON,$(PKG_CONFIG) --libs $(PKGS_COMMON)) -lpthread -lm
LIBS_SBE = $(call once,LIBS_SBE,$(PKG_CONFIG) --libs $(PKGS_SBE); echo -lresolv)
LIBS_CLI = $(call once,LIBS_CLI,$(PKG_CONFIG) --libs $(PKGS_CLI))
LIBS_TEST = $(call once,LIBS_TEST,$(PKG_CONFIG) --libs cmocka)

# $(call pkg_cflags,source) and $(call pkg_libs,folders): by daemon
pkg_cflags = $(CFLAGS_COMMON) $(if $(findstring sbe/,$1),$(CFLAGS_SBE)) $(if $(findstring common/cli,$1),$(CFLAGS_CLI))
pkg_libs = $(if $(filter sbe sbe/%,$1),$(LIBS_SBE)) $(if $(filter common/cli,$1),$(LIBS_CLI)) $(LIBS_COMMON)

# ---------------------------------------------------------------- sources, folders, archives
MAINS := sbe/main.c dbe/main.c common/cli/main.c
SRCS := $(wildcard common/*.c common/net/*.c common/cli/*.c proto/*.c sbe/*.c sbe/*/*.c dbe/*.c dbe/*/*.c)
FOLDERS := $(sort $(patsubst %/,%,$(dir $(SRCS))))
obj = $(patsubst %.c,$(BUILD)/obj/%.o,$1)
archive = $(BUILD)/lib/$(subst /,_,$1).a

# What a folder or a test source needs, in archives: the edges of layers.txt, followed to the end
LAYERS := tests/lint/layers.txt
closure = $(sort $(shell awk -v want="$1" -f tests/lint/closure.awk $(LAYERS)))
included_folders = $(sort $(shell sed -n 's|^\#include "\([a-z_/]*\)/[^/"]*".*|\1|p' $1))
archives_of = $(foreach f,$(filter $(FOLDERS),$1),$(call archive,$f))
group = -Wl,--start-group $(filter %.a,$1) -Wl,--end-group

PB := $(wildcard proto/gate.proto)
PB_H := $(if $(PB),$(BUILD)/gen/proto/gate.pb-c.h)
PB_O := $(if $(PB),$(BUILD)/obj/gen/proto/gate.pb-c.o)
VERSION_H := $(BUILD)/gen/version.h

PROGRAMS := $(if $(wildcard sbe/main.c),$(BUILD)/bin/sbe) \
	$(if $(wildcard dbe/main.c),$(BUILD)/bin/dbe) \
	$(if $(wildcard common/cli/main.c),$(BUILD)/bin/speerctl)

.PHONY: all deps deps-test demo check unit component scenario flows lint format fuzz simulate bench docs install clean FORCE
all: $(PROGRAMS) $(foreach f,$(FOLDERS),$(call archive,$f))

# ---------------------------------------------------------------- compiling
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(WARN) $(BASE_CFLAGS) $(BASE_LDFLAGS)' | cmp -s - $@ || echo '$(CC) $(WARN) $(BASE_CFLAGS) $(BASE_LDFLAGS)' >$@

$(VERSION_H): FORCE
	@mkdir -p $(@D)
	@v=$$(cat VERSION); h=$$(git -c safe.directory='*' rev-parse --short HEAD 2>/dev/null); \
	t=$$(git -c safe.directory='*' describe --tags --exact-match 2>/dev/null); \
	[ -n "$$t" ] || [ -z "$$h" ] || v=$$v+g$$h; \
	printf '#ifndef SPEERMINT_VERSION\n#define SPEERMINT_VERSION "%s"\n#endif\n' "$$v" >$@.new; \
	if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

$(BUILD)/gen/proto/gate.pb-c.c: proto/gate.proto
	@mkdir -p $(@D)
	protoc-c --c_out=$(BUILD)/gen $<
$(BUILD)/gen/proto/gate.pb-c.h: $(BUILD)/gen/proto/gate.pb-c.c

$(BUILD)/obj/gen/%.o: $(BUILD)/gen/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	@echo "  CC   $<"
	@$(CC) $(BASE_CFLAGS) -w $(CFLAGS_COMMON) -MMD -MP -c -o $@ $<

# common/ knows nothing of the gate protocol, so a broken gate.proto does not stop it
$(call obj,$(filter-out common/%,$(SRCS))): | $(PB_H)
$(call obj,$(filter-out tests/unit/common/%,$(wildcard tests/*/*.c tests/unit/*/*.c tests/unit/*/*/*.c))): | $(PB_H)

$(BUILD)/obj/%.o: %.c $(BUILD)/flags | $(VERSION_H)
	@mkdir -p $(@D)
	@echo "  CC   $<"
	@$(CC) $(WARN) $(BASE_CFLAGS) $(call pkg_cflags,$<) $(if $(filter tests/%,$<),$(CFLAGS_SBE)) -MMD -MP -c -o $@ $<

define folder_rule
$(call archive,$1): $(call obj,$(filter-out $(MAINS),$(filter $(SRCS),$(wildcard $1/*.c)))) $(if $(filter proto,$1),$(PB_O))
	@mkdir -p $$(@D)
	@rm -f $$@
	@$(AR) rcs $$@ $$(filter %.o,$$^)
endef
$(foreach f,$(FOLDERS),$(eval $(call folder_rule,$f)))

# $(call link,objects and archives,folders,libraries)
link = @mkdir -p $(@D); echo "  LINK $@"; \
	$(CC) $(BASE_CFLAGS) $(BASE_LDFLAGS) -o $@ $(filter %.o,$1) $(call group,$1) $3 $(call pkg_libs,$2)

$(BUILD)/bin/sbe: $(call obj,sbe/main.c) $(call archives_of,common common/net proto $(filter sbe sbe/%,$(FOLDERS)))
	$(call link,$^,sbe)
$(BUILD)/bin/dbe: $(call obj,dbe/main.c) $(call archives_of,common common/net proto $(filter dbe dbe/%,$(FOLDERS)))
	$(call link,$^,dbe)
$(BUILD)/bin/speerctl: $(call obj,common/cli/main.c) $(call archives_of,common/cli common common/net)
	$(call link,$^,common/cli)

# ---------------------------------------------------------------- tests
# tests/unit/<folder>/test_*.c: one program each, linked with that folder and those below it, so that a folder which
# does not compile stops nobody else's tests. Other .c files in the same place are parts shared by those programs.
# tests/lib/*.c is linked into every test program.
UNIT_SRCS := $(wildcard tests/unit/*/test_*.c tests/unit/*/*/test_*.c)
UNIT_FOLDERS := $(sort $(patsubst tests/unit/%/,%,$(dir $(UNIT_SRCS))))
UNIT_BINS := $(patsubst tests/%.c,$(BUILD)/tests/%,$(UNIT_SRCS))
COMPONENT_SRCS := $(wildcard tests/component/test_*.c)
COMPONENT_BINS := $(patsubst tests/%.c,$(BUILD)/tests/%,$(COMPONENT_SRCS))
TOOL_SRCS := $(wildcard tests/tools/*.c)
TOOL_BINS := $(patsubst tests/tools/%.c,$(BUILD)/tools/%,$(TOOL_SRCS))
BENCH_SRCS := $(wildcard tests/bench/*.c)
BENCH_BINS := $(patsubst tests/bench/%.c,$(BUILD)/bench/%,$(BENCH_SRCS))
FUZZ_SRCS := $(wildcard tests/fuzz/fuzz_*.c)
FUZZ_BINS := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(FUZZ_SRCS))
SIM_SRCS := $(wildcard tests/sim/*.c)
SIM_BIN := $(BUILD)/tests/sim/sim
TEST_LIB := $(call obj,$(wildcard tests/lib/*.c))

# $(call test_rule,binary,source,folders,more objects,libraries,extra link flags)
define test_rule
$1: $(call obj,$2) $(call obj,$4) $(TEST_LIB) $(call archives_of,$3)
	$$(call link,$$^,$3,$5)
endef

define unit_folder_rule
$(foreach t,$(filter $(UNIT_SRCS),$(wildcard tests/unit/$1/test_*.c)),$(eval $(call test_rule,$(patsubst tests/%.c,$(BUILD)/tests/%,$t),$t,$(call closure,$1 common $(call included_folders,$t)),$(filter-out $(UNIT_SRCS),$(wildcard tests/unit/$1/*.c)),$$(LIBS_TEST))))
.PHONY: unit-$(subst /,-,$1)
unit-$(subst /,-,$1): $(patsubst tests/%.c,$(BUILD)/tests/%,$(filter $(UNIT_SRCS),$(wildcard tests/unit/$1/test_*.c)))
	@fail=0; for t in $$^; do echo "== $$$$t"; timeout -k 5 120 $$$$t || fail=1; done; exit $$$$fail
endef
$(foreach f,$(UNIT_FOLDERS),$(eval $(call unit_folder_rule,$f)))

source_folders = $(call closure,common common/net proto $(call included_folders,$1))
$(foreach t,$(COMPONENT_SRCS),$(eval $(call test_rule,$(patsubst tests/%.c,$(BUILD)/tests/%,$t),$t,$(call source_folders,$t),$(filter-out $(COMPONENT_SRCS),$(wildcard tests/component/*.c)),$$(LIBS_TEST))))
$(foreach t,$(TOOL_SRCS),$(eval $(call test_rule,$(patsubst tests/tools/%.c,$(BUILD)/tools/%,$t),$t,$(call source_folders,$t))))
$(foreach t,$(BENCH_SRCS),$(eval $(call test_rule,$(patsubst tests/bench/%.c,$(BUILD)/bench/%,$t),$t,$(call source_folders,$t))))
# a fuzzer that includes the header of a unit test's bed is linked with that bed
fuzz_bed = $(sort $(shell sed -n 's|^\#include "\(tests/unit/[a-z_/]*\)/[^/"]*".*|\1|p' $1))
fuzz_bed_parts = $(filter-out $(UNIT_SRCS),$(foreach f,$(call fuzz_bed,$1),$(wildcard $f/*.c)))
fuzz_folders = $(call closure,$(call source_folders,$1) $(patsubst tests/unit/%,%,$(call fuzz_bed,$1)))
$(foreach t,$(FUZZ_SRCS),$(eval $(call test_rule,$(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$t),$t,$(call fuzz_folders,$t),$(call fuzz_bed_parts,$t),-fsanitize=fuzzer $(if $(call fuzz_bed,$t),$$(LIBS_TEST)))))

# One program of the sbe's and the dbe's folders together; sim_udp.c and sim_stream.c stand in for those of common/net.
$(eval $(call test_rule,$(SIM_BIN),$(SIM_SRCS),$(call source_folders,$(SIM_SRCS))))

.PHONY: unit-bins component-bins tools bench-bins fuzz-bins test-bins check-inner
unit-bins: $(UNIT_BINS)
component-bins: $(SIM_BIN) $(COMPONENT_BINS) $(PROGRAMS) $(TOOL_BINS)
tools: $(TOOL_BINS)
bench-bins: $(BENCH_BINS) $(PROGRAMS) $(TOOL_BINS)
fuzz-bins: $(FUZZ_BINS)
test-bins: $(SIM_BIN) $(UNIT_BINS) $(COMPONENT_BINS) $(TOOL_BINS) $(PROGRAMS)

# sanitizers make everything slower, so time limits stretch with them
SPEER_TIMEOUT_SCALE ?= $(if $(SAN),3,1)
RUN = BUILD=$(abspath $(BUILD)) SPEER_TIMEOUT_SCALE=$(SPEER_TIMEOUT_SCALE) tests/run.sh
unit: unit-bins
	$(RUN) unit $(T)
component: component-bins
	$(RUN) component $(T)
scenario: all tools
	$(RUN) scenario $(T)

check:
	$(MAKE) deps
	$(MAKE) deps-test
	$(MAKE) check-inner
check-inner: all test-bins
	$(RUN)

demo:
	tests/deps.sh build demo
	$(MAKE) all tools
	BUILD=$(abspath $(BUILD)) SPEER_BIN=$(abspath $(BUILD))/bin SPEER_TOOLS=$(abspath $(BUILD))/tools tests/demo/run.sh

# Every figure of the flows draft and every use case on hosts of its own, drawn from captured packets: tests/hosts/README.md
flows:
	tests/deps.sh build test
	$(MAKE) all
	BUILD=$(abspath $(BUILD)) tests/hosts/run.sh --docs docs/flows $(T)

fuzz:
	tests/deps.sh build fuzz
	$(MAKE) CC=clang SAN=address,undefined FUZZ=1 BUILD=build-fuzz fuzz-bins
	BUILD=build-fuzz SECONDS_EACH=$(SECONDS_EACH) tests/fuzz/run.sh $(T)

# Whole calls in virtual time; docs/simulation.md. A failing seed: build/tests/sim/sim --seed N --trace
SEEDS ?= 10000
simulate:
	tests/deps.sh build
	$(MAKE) $(SIM_BIN)
	$(SIM_BIN) --seeds 1-$(SEEDS) --jobs $$(nproc)

bench:
	tests/deps.sh build bench
	$(MAKE) all bench-bins
	BUILD=$(abspath $(BUILD)) SPEER_BIN=$(abspath $(BUILD))/bin SPEER_TOOLS=$(abspath $(BUILD))/tools tests/bench/run.sh $(T)

lint:
	tests/deps.sh build test lint
	$(MAKE) all
	BUILD=$(abspath $(BUILD)) tests/lint/run.sh $(T)

format:
	git ls-files -co --exclude-standard '*.c' '*.h' | xargs -r clang-format -i

# ---------------------------------------------------------------- the rest
deps:
	@tests/deps.sh build
deps-test:
	@tests/deps.sh build test

docs: all
	SPEER_BIN=$(abspath $(BUILD))/bin docs/generate.sh

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/sbin $(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/man/man5 \
		$(DESTDIR)$(PREFIX)/share/man/man8 $(DESTDIR)$(PREFIX)/lib/systemd/system $(DESTDIR)$(PREFIX)/share/doc/speermint
	install -m 755 $(BUILD)/bin/sbe $(BUILD)/bin/dbe $(DESTDIR)$(PREFIX)/sbin/
	install -m 755 $(BUILD)/bin/speerctl $(DESTDIR)$(PREFIX)/bin/
	for s in 1 5 8; do for f in docs/man/*.$$s; do [ ! -f $$f ] || install -m 644 $$f $(DESTDIR)$(PREFIX)/share/man/man$$s/; done; done
	for f in deploy/systemd/*.service; do [ ! -f $$f ] || \
		sed 's|/usr/sbin/|$(PREFIX)/sbin/|g; s|/usr/bin/|$(PREFIX)/bin/|g' $$f >$(DESTDIR)$(PREFIX)/lib/systemd/system/$${f##*/}; done
	for f in LICENSE README.md CHANGELOG.md deploy/conf/*.json docs/reference/*; do [ ! -f $$f ] || install -m 644 $$f $(DESTDIR)$(PREFIX)/share/doc/speermint/; done

clean:
	rm -rf build build-asan build-tsan build-san build-fuzz $(if $(filter-out / . ..,$(BUILD)),$(BUILD))

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
