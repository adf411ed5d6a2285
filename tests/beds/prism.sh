# Prism: answers as Twilio, SendGrid and Vonage do by their own OpenAPI documents, and refuses what those do not
# allow. The documents are not part of this repository.

prism_version=5.14.2

prism_tells() { echo "messages through Twilio, SendGrid and Vonage"; }

prism_packages() {
    have node || printf 'nodejs '
    have npm || printf 'npm '
}

prism_install() {
    within 400 npm install --prefix "$1" --no-save --no-audit --no-fund --ignore-scripts --loglevel=error \
        --fetch-retries=1 "@stoplight/prism-cli@$prism_version"
}

# PROVIDER_SPECS, or a folder provider-specs beside the repository or in a folder beside it.
prism_specs() {
    local specs
    for specs in ${PROVIDER_SPECS:+"$PROVIDER_SPECS"} ../provider-specs ../*/provider-specs; do
        if [ -d "$specs" ]; then printf '%s\n' "$specs"; return; fi
        [ -z "${PROVIDER_SPECS:-}" ] || return 1
    done
    return 1
}

prism_start() {
    local specs at
    specs=$(prism_specs) || because "PROVIDER_SPECS names no folder with the vendors' OpenAPI documents"
    [ "$(node -p 'process.versions.node.split(".")[0]')" -ge 18 ] || because "node is older than 18"
    at=$(cached "prism-$prism_version" prism_install) || exit 1
    serve node "$beds_folder/prism.cjs" "$at" "$specs" || because "Prism does not start on the documents in $specs"
}
