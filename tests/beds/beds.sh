# Programs that others wrote, for the tests: what messages and webhooks are delivered to, and clients. Sourced by tests/run.
#
# A bed is a file here with three functions, NAME being the file's:
#   NAME_tells     what stays untested without it
#   NAME_packages  the Debian packages that are missing for it, each followed by a space
#   NAME_start     installs it below $cache, where it is not yet, and starts it: `serve` or `offer`
# Each starts in a process group of its own, beside the others and beside the build. One that cannot be had is
# told of at the very end and fails nothing.

beds_folder=tests/beds
cache=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/multauth-tests
beds=()         # those that were asked for
bed_groups=()   # the process group of each that was started
not_tested=()   # what to say at the end

# Which ones MULTAUTH_TEST_BEDS names; all of them without it.
choose_beds() {
    local all=(prism aws smtp postfix standardwebhooks clients)
    local bed wanted=" ${MULTAUTH_TEST_BEDS-${all[*]}} "
    for bed in "${all[@]}"; do
        # shellcheck disable=SC1090
        . "$beds_folder/$bed.sh"
        if [[ $wanted == *" $bed "* ]]; then
            beds+=("$bed")
        else
            not_tested+=("$("${bed}_tells"), because MULTAUTH_TEST_BEDS leaves $bed out")
        fi
    done
    for bed in $wanted; do
        [[ " ${all[*]} none " == *" $bed "* ]] || fail "MULTAUTH_TEST_BEDS: there is no \"$bed\"; one of: ${all[*]} none"
    done
}

# What the beds lack is welcome and not needed: nothing of the machine's own is replaced for it.
install_for_beds() {
    local bed packages
    if [ "$(id -u)" != 0 ] || ! have apt-get; then return; fi
    for bed in ${beds[@]+"${beds[@]}"}; do
        read -ra packages <<<"$("${bed}_packages")"
        [ "${#packages[@]}" -gt 0 ] || continue
        say "installing ${packages[*]} with apt-get (a minute or two)"
        install --no-remove "${packages[@]}" || say "apt-get could not install ${packages[*]}; going on without"
    done
}

# Each in the background. Its log, what it offers (NAME=value lines, then "ready") and why it is not there are
# $folder/beds/NAME.log, .offer and .why.
start_beds() {
    local bed
    mkdir -p "$folder/beds" "$cache" 2>/dev/null || true
    # What an interrupted run left half installed.
    find "$cache" -maxdepth 1 -name '*.new.*' -mmin +60 -exec rm -rf {} + 2>/dev/null || true
    [ "${#beds[@]}" = 0 ] || say "starting, in the background: ${beds[*]}"
    for bed in ${beds[@]+"${beds[@]}"}; do
        set -m
        start_bed "$bed" </dev/null >"$folder/beds/$bed.log" 2>&1 &
        bed_groups+=("$!")
        set +m
    done
}

start_bed() {
    local lacking
    bed=$1
    place=$folder/beds/$bed
    mkdir "$place"
    lacking=$("${bed}_packages")
    [ -z "$lacking" ] || because "these are not installed: ${lacking% } (names as on Debian)"
    "${bed}_start" || because "it does not start"
    grep -qx ready "$place.offer" || because "it does not start"
}

# Waits for the beds, and hands on what they offer.
await_beds() {
    local n bed line at
    for n in ${beds[@]+"${!beds[@]}"}; do
        bed=${beds[$n]} at=$folder/beds/${beds[$n]}
        if wait "${bed_groups[$n]}"; then
            while read -r line; do
                if [[ $line == MULTAUTH_TEST_*=* ]]; then export "${line?}"; fi
            done <"$at.offer"
        else
            tail -n 15 "$at.log" >&2 || true
            not_tested+=("$("${bed}_tells"), because $(cat "$at.why" 2>/dev/null || echo "$bed did not start")")
        fi
    done
}

stop_beds() {
    local group
    [ ! -f "$folder/beds/postfix.master" ] || kill "$(cat "$folder/beds/postfix.master")" 2>/dev/null || true
    for group in ${bed_groups[@]+"${bed_groups[@]}"}; do kill -TERM -- "-$group" 2>/dev/null || true; done
}

tell_not_tested() {
    local line
    for line in ${not_tested[@]+"${not_tested[@]}"}; do say "NOT TESTED: $line"; done
}

# --- for the beds -----------------------------------------------------------------------------------------

# Ends the bed with a reason.
because() {
    printf '%s\n' "$*" >"$place.why"
    exit 1
}

# At most so many seconds, where `timeout` is there to count them.
within() {
    if have timeout; then timeout --foreground "$@"; else shift && "$@"; fi
}

# The folder $cache/$1, filled once by the function $2, which is given a new folder to fill.
cached() {
    local kept=$cache/$1 new
    if [ ! -d "$kept" ]; then
        new=$(mktemp -d "$cache/$1.new.XXXXXX") || because "nothing can be kept in $cache"
        say "installing $bed into $kept (a minute)" 2>&5
        if ! "$2" "$new" >&2; then
            rm -rf "$new"
            because "it could not be installed (no network?)"
        fi
        # Somebody else may have been quicker.
        if [ -d "$kept" ]; then rm -rf "$new"; else mv "$new" "$kept"; fi
    fi
    printf '%s\n' "$kept"
}

# Starts a server that prints what it offers, and "ready" when it answers.
serve() {
    "$@" >"$place.offer" 5>&- &
    for _ in $(seq 600); do
        if grep -qsx ready "$place.offer"; then return; fi
        kill -0 "$!" 2>/dev/null || return 1
        sleep 0.1
    done
    return 1
}

# Says what was started by other means.
offer() { printf '%s\n' "$@" ready >"$place.offer"; }

# An authority $place/ca.pem, and from it $place/cert.pem with $place/key.pem for 127.0.0.1 and localhost.
certificate() {
    local ec=(-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes)
    {
        openssl req -x509 "${ec[@]}" -keyout "$place/ca.key" -out "$place/ca.pem" -days 30 -subj '/CN=multauth tests'
        openssl req -new "${ec[@]}" -keyout "$place/key.pem" -out "$place/cert.csr" -subj /CN=localhost
        printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n' >"$place/cert.ext"
        openssl x509 -req -in "$place/cert.csr" -CA "$place/ca.pem" -CAkey "$place/ca.key" -CAcreateserial \
            -extfile "$place/cert.ext" -days 30 -out "$place/cert.pem"
    } 2>"$place/openssl.log" || because "openssl makes no certificate"
}

# Python 3 with venv; a name for the version of it, since what is installed for one does not serve another.
python_packages() {
    have python3 && python3 -c 'import venv, ensurepip' 2>/dev/null || printf 'python3-venv '
}
python_version() { python3 -c 'import sys; print("py%d.%d" % sys.version_info[:2])'; }

# Fills $1 with the given Python packages.
pip_into() {
    local new=$1
    shift
    python3 -m venv "$new" && within 400 "$new/bin/python" -m pip install -q --disable-pip-version-check \
        --no-input --retries 2 --timeout 20 "$@"
}
