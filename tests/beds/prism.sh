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

prism_start() {
    local specs=${PROVIDER_SPECS:-../shared/provider-specs} at
    [ -d "$specs" ] || because "PROVIDER_SPECS names no folder with the vendors' OpenAPI documents ($specs)"
    [ "$(node -p 'process.versions.node.split(".")[0]')" -ge 18 ] || because "node is older than 18"
    at=$(cached "prism-$prism_version" prism_install) || exit 1
    serve node "$beds_folder/prism.cjs" "$at" "$specs" || because "Prism does not start on the documents in $specs"
}
