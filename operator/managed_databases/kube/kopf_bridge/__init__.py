"""Everything that knows kopf: it decides when to list, when to watch, and from which version; the objects go past it.

    API server ----> WatchTransport ----> Informers ----> Store, and whoever asks for changes
                        |    ^
       pages without    |    | requests: list, watch from a version
       items, bookmarks v    |
                         kopf, as KopfBridge starts it

kopf's handlers, indexes, peering and finalizers are not used, and it writes nothing (`kopf_settings`).
"""
