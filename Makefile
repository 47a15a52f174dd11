# The front door.  CMake does the work; `make help` says what there is.
P    ?= release
J    ?= $(shell nproc)
SECS ?= 60
CTEST = ctest --test-dir build/$(P) --output-on-failure -j $(J)
.PHONY: all help deps build test unit check-asan check-tsan fuzz bench demo lint fmt interop install clean
.DEFAULT_GOAL := all
all: deps build  ## install what is missing, build release programs into build/bin
help:            ## this list
	@grep -E '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed 's/:.*## */\t/' | expand -t 16
deps:            ## install the Debian packages that are missing, saying which
	@tools/install_deps.sh
build: deps      ## build everything (P=release|dev|asan|tsan)
	@cmake --preset $(P) >/dev/null
	@cmake --build build/$(P) -j $(J)
demo: build      ## a network made, run, shot at and judged, within a minute
	@tools/demo.py
test: build      ## everything a newcomer should run: unit, vectors, corpus, system
	@$(CTEST) -LE interop
unit: build      ## unit tests, vectors and corpora only
	@$(CTEST) -L 'unit|corpus'
check-asan:      ## the same tests under AddressSanitizer and UBSan
	@$(MAKE) --no-print-directory test P=asan
check-tsan: deps ## what has threads, under ThreadSanitizer
	@cmake --preset tsan >/dev/null
	@cmake --build build/tsan -j $(J) --target tsan_tests
	@ctest --test-dir build/tsan --output-on-failure -j $(J) -L tsan
interop: build   ## foreign clients from npm against our programs
	@tools/install_deps.sh interop
	@$(CTEST) -L interop
fuzz: deps       ## fuzz one target: make fuzz T=block_record [SECS=60]
	@test -n "$(T)" || { echo "which one?  make fuzz T=<name>, of:"; \
	    git ls-files 'src/*_fuzz.c' | sed 's|.*/||; s|_fuzz\.c||; s|^|  |'; exit 2; }
	@cmake --preset fuzz >/dev/null && cmake --build build/fuzz -j $(J) --target $(T)_fuzz
	@mkdir -p build/fuzz/corpus/$(T) tests/corpus/$(T)
	@build/fuzz/tests/$(T)_fuzz -max_total_time=$(SECS) -rss_limit_mb=1024 \
	    -artifact_prefix=build/fuzz/ build/fuzz/corpus/$(T) tests/corpus/$(T)
bench: build     ## run the benchmarks beside the modules (B=name for one)
	@cmake --build build/$(P) -j $(J) --target benches
	@tools/bench.sh build/$(P) $(B)
lint: build      ## format, layers, headers, clang-tidy
	@tools/lint.sh build/$(P)
fmt:             ## rewrite the sources as .clang-format says
	@git ls-files '*.[ch]' | xargs clang-format -i
install: build   ## install programs and sample configuration: make install PREFIX=/usr/local
	@cmake --install build/$(P) --prefix $(or $(PREFIX),/usr/local)
clean:           ## remove build/
	@rm -rf build
