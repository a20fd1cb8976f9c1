// Made by tools/api.mjs from /openapi.json.
export interface paths {
    "/api/tot_num": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** How many pictures are stored, in the form of the project that this one grew from. */
        get: operations["legacy_count"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/healthz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The same as `/livez`, by an older name. */
        get: operations["health"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/livez": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether the process is alive. It is answered whatever else the server does, and tells nothing else. */
        get: operations["live"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Figures for a monitor, in Prometheus' text form. */
        get: operations["metrics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/readyz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether searches are answered and pictures can be added, and how each plug-in does. */
        get: operations["ready"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/collections": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** All collections that the key is good for, with the number of pictures of each: the default one, then the others by name. */
        get: operations["list_collections"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/collections/{collection}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A collection with the number of its pictures. */
        get: operations["collection"];
        /** Makes an empty collection; one that is there stays as it is. */
        put: operations["create_collection"];
        post?: never;
        /** Removes a collection with all its pictures, for good. */
        delete: operations["remove_collection"];
        options?: never;
        head?: never;
        /**
         * Gives a collection another name. Its jobs, registered folders and keys follow; addresses with the old name, also in
         *     answers that were given before, lead nowhere. For keys with the scope admin for all collections.
         */
        patch: operations["rename_collection"];
        trace?: never;
    };
    "/v1/compare": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** What two pictures, sent or stored, share: without the index, all features with all. */
        post: operations["compare"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/count": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** How many pictures are stored, or are those that a filter means. */
        get: operations["count_pictures"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/duplicates": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Groups of pictures that are the same or show the same. */
        get: operations["duplicates"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/duplicates/resolutions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What files were moved for duplicates of the collection. */
        get: operations["list_resolutions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/duplicates/resolve": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Removes pictures in favour of others, of many groups at once. With `files` as `quarantine`, files in registered folders
         *     are moved to the folder that the server has for it, and can be put back; that takes the scope admin, and a file whose
         *     bytes have changed is left where it is, with its picture. With `dry_run` it only tells what would happen.
         */
        post: operations["resolve_duplicates"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/duplicates/undo": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Puts the files of a resolution back where they were, and stores their pictures again with their labels. What the kept
         *     picture took over stays with it.
         */
        post: operations["undo_resolution"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/features": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * The local features of a picture, as bytes to search with later: a tenth of a second's work that
         *     need not be done again, and the picture itself need not be sent.
         */
        post: operations["features"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/folders": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Registered folders of the collections that the key is for, in the order in which they were registered. */
        get: operations["list_folders"];
        put?: never;
        /** Registers a folder. A job that indexes it begins within a second. One that is registered stays as it is. */
        post: operations["register_folder"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/folders/{folder}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Forgets that a folder is registered: changes in it are not followed any more. Its pictures stay. */
        delete: operations["forget_folder"];
        options?: never;
        head?: never;
        /**
         * Changes how a folder is indexed. A job that does so begins within a second. Pictures that are left out now stay, unless the
         *     rules prune.
         */
        patch: operations["change_folder"];
        trace?: never;
    };
    "/v1/images": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The stored pictures, or those that a filter means, newest first unless `sort` says otherwise. The header `Link`
         *     has the address of the next page.
         */
        get: operations["list_pictures"];
        put?: never;
        /**
         * Stores a picture, or many: files of a form and entries of archives. Each can be found as soon as this has told
         *     of it.
         * @description Several files, archives and lines of labels are answered with what became of each file; one that cannot be
         *     taken stops no other. With `Accept: application/x-ndjson` the answer has a line for each file as soon as it is
         *     stored or refused, and a last one with `summary`.
         */
        post: operations["add_picture"];
        /**
         * Removes all pictures that a filter means; at least one condition is needed. Durable a thousand at a time: what a
         *     failure leaves is removed by the same request again.
         */
        delete: operations["remove_pictures"];
        options?: never;
        head?: never;
        /**
         * Changes the labels of all pictures that a filter means; at least one condition is needed. Durable a thousand at a
         *     time.
         */
        patch: operations["label_pictures"];
        trace?: never;
    };
    "/v1/images/download": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The files of many pictures, as they were added, in one ZIP file: those that match the conditions, or those with the
         *     ids. They are stored as they are. What cannot be read any more is left out and named in its last entry, left-out.txt.
         */
        get: operations["download_pictures"];
        put?: never;
        /** The same for more ids than an address can have, as JSON or as a form, which a page can have its browser send. */
        post: operations["download_many_pictures"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/images/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What is known of one picture, and what is at its paths now. */
        get: operations["picture"];
        put?: never;
        post?: never;
        /**
         * Removes a picture; it is no longer found as soon as this has answered. One whose file stays in
         *     an indexed folder comes back when that folder is indexed again.
         */
        delete: operations["remove_picture"];
        options?: never;
        head?: never;
        /** Changes a picture's labels: what is left out stays, null clears. */
        patch: operations["label_picture"];
        trace?: never;
    };
    "/v1/images/{id}/exif": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What the camera and the person behind it recorded in a picture's file, as Exif: in the order of the file, with names as
         *     Exif gives them and values with their units. Empty where there is none.
         */
        get: operations["picture_exif"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/images/{id}/file": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A picture's file, as it was sent or as it lies in its folder. */
        get: operations["picture_file"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/images/{id}/thumbnail": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A small JPEG of a picture, upright. */
        get: operations["thumbnail"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/jobs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Jobs of the collections that the key is for, the newest first. */
        get: operations["list_jobs"];
        put?: never;
        /** Makes a job. It runs when those before it are done. */
        post: operations["create_job"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/jobs/{job}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One job. */
        get: operations["job"];
        put?: never;
        post?: never;
        /** Asks a job to end. What it has done stays. */
        delete: operations["cancel_job"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/jobs/{job}/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Follows a job: an event `progress` whenever it has come further, and `end` when it has ended, each with the job
         *     as JSON. The answer ends with the job, with the server, and after ten minutes.
         */
        get: operations["job_events"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/jobs/{job}/file": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The file that a job of the kind export has made, for at most 7 days. One with paths of the server, which an admin
         *     had made, is for admins.
         */
        get: operations["file_of_job"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/jobs/{job}/refused": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Files that a job could not take in, by path; of a job of kind verify, what it found damaged. */
        get: operations["refused_of_job"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** All keys without their secrets, the oldest first. */
        get: operations["list_keys"];
        put?: never;
        /** Makes a key. Its secret is in this answer, and nowhere later. */
        post: operations["create_key"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/keys/{key}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Revokes a key: requests that carry it are refused from now on. */
        delete: operations["revoke_key"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/media-types": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The media types of the stored files, ascending, with the number of pictures of each. */
        get: operations["list_media_types"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/models": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The models that tell what looks alike, and how many pictures each has described. */
        get: operations["list_models"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/not-a-match": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Pairs of which it was said that they are no match, the newest first. */
        get: operations["list_not_a_match"];
        put?: never;
        /** Says that two pictures are no match: neither finds the other any more, and no group holds both. */
        post: operations["add_not_a_match"];
        /** Takes back that two pictures are no match. */
        delete: operations["drop_not_a_match"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/objects": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The objects that pictures belong to, by id. */
        get: operations["list_objects"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/objects/{object}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The pictures of an object, newest first. */
        get: operations["object"];
        put?: never;
        post?: never;
        /** Removes all pictures of an object, or none of them. */
        delete: operations["remove_object"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/plugins": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The plug-ins, what each offers and how it does. */
        get: operations["list_plugins"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/plugins/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One plug-in, what it offers and how it does. */
        get: operations["one_plugin"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/plugins/{name}/{function}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Calls a function with query parameters as its arguments. */
        get: operations["get_plugin_function"];
        put?: never;
        /** Calls a function with a JSON object, a form or a picture as its arguments. */
        post: operations["post_plugin_function"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/refused": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Files of indexed folders that could not be taken in, by path. */
        get: operations["list_refused"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/search": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The same by a stored picture, or a region of it, in an address that can be kept. */
        get: operations["search_stored"];
        put?: never;
        /** The stored pictures in which the query, or a part of it, is seen again. */
        post: operations["search"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/session": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What the key of this request allows; without a key being asked for, everything. */
        get: operations["session"];
        put?: never;
        /** Exchanges a key for a cookie, which stands for the key in a browser for 30 days, or until the key ends. */
        post: operations["begin_session"];
        /** Removes the cookie. */
        delete: operations["end_session"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/storage": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** How much room the data folder takes, by collection and kind. */
        get: operations["storage"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhooks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** All addresses without their secrets, the oldest first. */
        get: operations["list_webhooks"];
        put?: never;
        /**
         * Has an address told of jobs that end from now on. The secret that messages are signed with is in this answer, and
         *     nowhere later.
         */
        post: operations["create_webhook"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhooks/{webhook}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Forgets an address: it is told nothing any more. */
        delete: operations["remove_webhook"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description The answer about one picture, or about many. */
        AddedOrMany: components["schemas"]["AddedPicture"] | components["schemas"]["BulkAnswer"];
        /** @description The picture that was sent, now stored. */
        AddedPicture: components["schemas"]["Picture"] & {
            /** @description Whether exactly this file was stored before. */
            already_present: boolean;
        };
        /**
         * @description A form with one file or several, of which some may be archives. Fields named `tag`, `object` and `metadata` say
         *     what the parameters of these names do, for all files. A field named `labels` has a JSON object a line for single
         *     files: `file` (its name; without it lines are in the order of the files), `name`, `tags`, `object`, `metadata`.
         *     With several files these fields come first.
         */
        AdditionForm: {
            /** @description The files. */
            file: string[];
        };
        /** @description What became of all files that were sent. */
        BulkAnswer: components["schemas"]["BulkSummary"] & {
            /** @description Each file, in the order in which they came. */
            files: components["schemas"]["FileOutcome"][];
        };
        /** @description How many files had which outcome. */
        BulkSummary: {
            /**
             * Format: int64
             * @description Files that are stored now.
             */
            added: number;
            /**
             * Format: int64
             * @description Files that were stored before.
             */
            already_present: number;
            /** @description Whether the request and its archives were read to their ends. */
            complete: boolean;
            problem?: components["schemas"]["Reason"] | null;
            /**
             * Format: int64
             * @description Files that cannot be taken.
             */
            refused: number;
            /**
             * Format: int64
             * @description Entries of archives that are no files, as links.
             */
            skipped: number;
        };
        /** @description A collection of pictures. */
        Collection: {
            /** @description Its name. */
            name: string;
            /**
             * Format: int64
             * @description How many pictures it holds; null where its catalogue cannot be read.
             */
            pictures?: number | null;
        };
        /** @description All collections: the default one, then the others by name. */
        CollectionList: {
            /** @description The collections. */
            collections: components["schemas"]["Collection"][];
        };
        /** @description The new name of a collection. */
        CollectionRenamed: {
            /** @description 1 to 63 of a-z, 0-9, _ and -, the first a letter or a digit. */
            name: string;
        };
        /** @description How much room a collection takes, in bytes. */
        CollectionStorage: {
            /**
             * Format: int64
             * @description The catalogue's files. Features, words and vectors are parts of it.
             */
            catalogue: number;
            /** @description Why its catalogue cannot be read, as a code of `docs/errors.md`; null where it can. */
            code: string | null;
            /**
             * Format: int64
             * @description Features, by which pictures are verified; null where the catalogue cannot be read.
             */
            features: number | null;
            /**
             * Format: int64
             * @description The files of the indexes, which are made from words and vectors.
             */
            index: number;
            /** @description Its name. */
            name: string;
            /**
             * Format: int64
             * @description Files of uploads.
             */
            originals: number;
            /**
             * Format: int64
             * @description Its number of pictures; null where its catalogue cannot be read.
             */
            pictures: number | null;
            /**
             * Format: int64
             * @description Thumbnails.
             */
            thumbnails: number;
            /**
             * Format: int64
             * @description `originals`, `thumbnails`, `catalogue` and `index`.
             */
            total: number;
            /**
             * Format: int64
             * @description Vectors of models; null as above.
             */
            vectors: number | null;
            /**
             * Format: int64
             * @description Visual words, by which candidates are found; null as above.
             */
            words: number | null;
        };
        /** @description What two pictures share. */
        Comparison: {
            a: components["schemas"]["Side"];
            b: components["schemas"]["Side"];
            /**
             * @description Whether the pixels verify them: both show the same in the same frame, and the features are too few
             *     to tell.
             */
            by_pixels: boolean;
            /**
             * Format: double
             * @description Share of A that the matched part covers, 0 to 1.
             */
            coverage_a: number;
            /**
             * Format: double
             * @description Share of B that the matched part covers, 0 to 1.
             */
            coverage_b: number;
            /**
             * @description What it rests on: `object`, the geometry of what both pictures show; `mark`, that of a part that both
             *     share while most around it differs, such as a logo, a letterhead or the lines of a form; `pixels`, those
             *     of pictures with few features; `file`, its bytes. Null when not verified. A mirrored or inverted picture
             *     is never a mark.
             * @example object
             */
            evidence: string | null;
            /** @description Whether the two files have the same bytes. Such pictures are verified, whatever their features. */
            identical: boolean;
            /** @description Number of matched points that fit the transform. */
            inliers: number;
            /** @description Whether the second shows the first with its tones inverted, as a negative does. */
            inverted: boolean;
            /** @description Matched points in all. */
            matches: number;
            /** @description Whether the second shows the first mirrored. */
            mirrored: boolean;
            /**
             * Format: double
             * @description log10 of how many such fits chance would give; the lower, the surer. Null when no transform
             *     was found.
             */
            nfa_log10: number | null;
            /** @description The inliers as [x in A, y in A, x in B, y in B], pixels of the full pictures. */
            points: number[][];
            /**
             * @description The outline of A in B's pixels, four corners [x, y] from the top left on clockwise; null when
             *     not verified.
             */
            region: number[][] | null;
            /** @description The 3x3 matrix from A's pixels to B's, row by row; null when not verified. */
            transform: number[] | null;
            /** @description Whether the geometry agrees beyond chance: the same thing is in both pictures. */
            verified: boolean;
        };
        /** @description How many pictures are stored. */
        Count: {
            /**
             * Format: int64
             * @description How many there are.
             */
            count: number;
        };
        /** @description What is said of two pictures now. */
        Decision: {
            /** @description The lower id. */
            a: string;
            /** @description The higher id. */
            b: string;
            /** @description Whether that is new. */
            changed: boolean;
            /** @description Whether they are held apart now. */
            not_a_match: boolean;
        };
        /** @description The same as a form, with the names of the parameters of the address; conditions stand beside these. */
        DownloadForm: {
            /** @description All pictures. */
            all?: boolean | null;
            /** @description Ids, separated by commas; may be given several times. */
            id?: string | null;
            /** @description Name of the archive, without its ending. */
            name?: string | null;
        };
        /** @description Which pictures are sent: one of `ids`, `filter` and `all`. */
        DownloadWanted: {
            /** @description All pictures. */
            all?: boolean;
            /** @description Conditions, as the parameters of a list of pictures. */
            filter?: {
                [key: string]: unknown;
            } | null;
            /** @description Their ids. */
            ids?: string[] | null;
            /** @description Name of the archive, without its ending. */
            name?: string | null;
        };
        /**
         * @description Pictures that were verified with each other: copies with more than half of the other members each,
         *     those that only show the same scene with three quarters.
         */
        DuplicateGroup: {
            /** @description Whether a member is another's negative. */
            inverted: boolean;
            /**
             * @description The loosest kind among its pairs: `identical`, `re-encoded`, `derivative`, `edited`, `cropped` or
             *     `same_scene`.
             * @example re-encoded
             */
            kind: string;
            /**
             * @description Those whose files are gone last; of the others those with most pages first, then raw files, then by
             *     pixels, by what the format keeps, by bytes, and the oldest first.
             */
            members: components["schemas"]["Member"][];
            /** @description Whether a member is mirrored against another. */
            mirrored: boolean;
            /** @description Number of verified pairs among the members. */
            pair_count: number;
            /** @description The pairs, the surest first; of a large group the first hundred. */
            pairs: components["schemas"]["Pair"][];
        };
        /**
         * @description Groups of pictures that are the same or show the same: the closest kinds first, of one kind the
         *     largest.
         */
        DuplicateList: {
            /** @description Whether every picture has been looked for. */
            complete: boolean;
            groups: components["schemas"]["DuplicateGroup"][];
            /** @description At most so many were asked for. */
            limit: number;
            /** @description How many were skipped. */
            offset: number;
            /**
             * Format: int64
             * @description Pictures that have not been looked for yet; a running server does that by itself.
             */
            pending: number;
            /** @description Number of groups that fit what was asked for. */
            total: number;
        };
        /** @description A field of Exif. */
        ExifFact: {
            /** @description As Exif names it, for example `ExposureTime`. */
            name: string;
            /** @description With its unit, for example `1/125 s`; at most 300 characters. */
            value: string;
        };
        /** @description The Exif of a file, in its order; at most 768 fields. */
        ExifList: {
            fields: components["schemas"]["ExifFact"][];
        };
        /** @description What became of one file. */
        FileOutcome: {
            /** @description Why it is not, as in the list of errors. */
            code?: string | null;
            /** @description Its name in the form or in the archive. */
            file: string;
            /** @description The picture's id, where it is stored. */
            id?: string | null;
            /** @description The picture's name, where it is stored. */
            name?: string | null;
            /** @description What to do now. */
            next_step?: string | null;
            /** @description `added`, `already_present`, `refused` or `skipped`. */
            outcome: string;
            /** @description What went wrong this time. */
            reason?: string | null;
        };
        /**
         * @description What becomes of the files of removed pictures.
         * @enum {string}
         */
        FilesWanted: "keep" | "quarantine";
        /** @description The registered folders. */
        FolderList: {
            /** @description The folders, in the order in which they were registered. */
            folders: components["schemas"]["FolderShown"][];
        };
        /** @description A registered folder. */
        FolderShown: {
            /** @description The collection that its pictures belong to. */
            collection: string;
            /**
             * Format: int64
             * @description Its number.
             */
            id: number;
            /**
             * Format: int64
             * @description The last job that read all of it; null for none.
             */
            job: number | null;
            /**
             * Format: date-time
             * @description When its files were last compared with what is stored; null for never.
             */
            last_run: string | null;
            /**
             * Format: date-time
             * @description When it was registered (RFC 3339, UTC).
             */
            made: string;
            /** @description The last name of its path. */
            name: string;
            /** @description Its path; null where the reader is no admin. */
            path: string | null;
            rules: components["schemas"]["RulesShown"] | null;
            /**
             * @description Whether changes are followed: watching, polling, gone, or idle where nobody looks.
             * @example watching
             */
            state: string;
        };
        /** @description A folder to be registered. */
        FolderWanted: {
            /** @description The collection that its pictures belong to; the default one where it is left out. */
            collection?: string | null;
            /** @description Its path, which the server must allow. */
            path: string;
            /** @description How it is indexed. */
            rules?: components["schemas"]["RulesShown"];
        };
        /** @description A picture to keep, and those to remove. */
        GroupWanted: {
            /** @description Id of the picture that is kept. */
            keep: string;
            /** @description Ids of those that are removed. */
            remove: string[];
        };
        /** @description Whether the server answers. */
        Health: {
            /** @description Always `ok`. */
            status: string;
        };
        /** @description A stored picture that resembles the query. Its scores are of different kinds and stay apart. */
        Hit: {
            /** @description Whether they are more alike than one pair of unrelated pictures in a million. */
            alike: boolean;
            /**
             * @description Whether its pixels verify it: both pictures show the same in the same frame, and the features are
             *     too few to tell. There are no inliers then.
             */
            by_pixels: boolean;
            /**
             * Format: double
             * @description Likeness of the whole pictures, -1 to 1, by the model that makes them most alike; null when no
             *     such model is asked.
             */
            cosine: number | null;
            /**
             * Format: double
             * @description Share of the query, or of its region, that the matched part covers, 0 to 1.
             */
            coverage_query: number;
            /**
             * Format: double
             * @description Share of the result that the matched part covers, 0 to 1.
             */
            coverage_result: number;
            /**
             * @description What it rests on: `object`, the geometry of what both pictures show; `mark`, that of a part that both
             *     share while most around it differs, such as a logo, a letterhead or the lines of a form; `pixels`, those
             *     of pictures with few features; `file`, its bytes. Null when not verified. A mirrored or inverted picture
             *     is never a mark.
             * @example object
             */
            evidence: string | null;
            /** @description Whether it was compared closely; hits after those that were are ranked by visual words alone. */
            examined: boolean;
            /**
             * Format: int32
             * @description Which frame of an animation the hit is about, from 1; only where several frames are searched.
             */
            frame?: number | null;
            /**
             * @description Whether its file has the bytes of a picture that was sent. Such a hit is verified, whatever its
             *     features.
             */
            identical: boolean;
            image: components["schemas"]["Picture"];
            /** @description Number of matched points that fit the transform. */
            inliers: number;
            /**
             * @description Every place in the result where the query is seen, at most 8, each verified by itself; this
             *     hit's own `transform`, `region` and `shared` first. Places whose frames overlap by more than half
             *     of the smaller, or whose matched parts by more than 0.3, are one. Empty when not verified.
             */
            instances: components["schemas"]["Instance"][];
            /** @description Whether the result shows the query with its tones inverted, as a negative does. */
            inverted: boolean;
            /**
             * @description The inliers as [query x, query y, result x, result y] in pixels of the full pictures; only
             *     with `matches=true`.
             */
            matches?: number[][] | null;
            /** @description Whether the result shows the query mirrored. */
            mirrored: boolean;
            /** @description The model's name; null when no such model is asked. */
            model: string | null;
            /**
             * Format: double
             * @description log10 of how many such fits chance would give; the lower, the surer. Null when no transform
             *     was found.
             */
            nfa_log10: number | null;
            /**
             * Format: int32
             * @description Which page of the file the hit is about, from 1; only where several pages are searched.
             */
            page?: number | null;
            /** @description Which of the pictures searched for the evidence is about, counted from 0; 0 for one. */
            query: number;
            /**
             * @description The outline of the query, or of its region, in the result's pixels, clipped to the result: 3 to 8
             *     corners [x, y], 4
             *     where all of it is inside, in the order of the query's from its top left on clockwise; null
             *     when not verified.
             */
            region: number[][] | null;
            same_object?: components["schemas"]["SameObject"] | null;
            /**
             * @description The part of the result that matches, in its pixels: corners [x, y] of a convex polygon around all
             *     that the matched descriptors describe. The frame, `region`, may hold much that the result does not
             *     show. Null when not verified.
             */
            shared: number[][] | null;
            /** @description The same part in the pixels of the query's whole picture; null when not verified. */
            shared_query: number[][] | null;
            /**
             * @description The stage that found it: `words` of the query, `expansion`, words of verified hits, `dense`, the
             *     vectors of a model, `bytes`, those of the file, or `pixels`, those of a picture with few features.
             * @example words
             */
            stage: string;
            /**
             * Format: int64
             * @description When that frame begins, in milliseconds from the first; only with `frame`.
             */
            time_ms?: number | null;
            /**
             * @description The 3x3 matrix from the query's pixels to the result's, row by row. Where `mirrored` is true it
             *     mirrors.
             */
            transform: number[] | null;
            /** @description Whether the geometry agrees beyond chance: the same thing is in both pictures. */
            verified: boolean;
            /**
             * @description Width and height of that page or frame in pixels, in which the places in the result are; only with `page` or
             *     `frame`.
             */
            view_size?: number[] | null;
            /**
             * Format: double
             * @description Score by visual words; comparable within one search only.
             */
            words: number;
        };
        /** @description One place in a result where the query is seen. */
        Instance: {
            /** @description Number of matched points that fit its transform. */
            inliers: number;
            /**
             * Format: double
             * @description log10 of how many such fits chance would give; the lower, the surer. Null where no features agree,
             *     as in a file of the same bytes that has none.
             */
            nfa_log10: number | null;
            /** @description The query's outline there, as the hit's `region`. */
            region: number[][] | null;
            /** @description The part that matches there, as the hit's `shared`. */
            shared: number[][] | null;
            /** @description The 3x3 matrix from the query's pixels to the result's, row by row. */
            transform: number[];
        };
        /** @description Some of the jobs, the newest first. */
        JobList: {
            /** @description The jobs of this page. */
            jobs: components["schemas"]["JobShown"][];
            /**
             * Format: int64
             * @description The `before` of the next page; null where this is the last one.
             */
            next: number | null;
            /**
             * Format: int64
             * @description Number of jobs that the filters mean.
             */
            total: number;
        };
        /** @description A file that a job refused. */
        JobRefused: {
            /** @description Why, for programs. */
            code: string;
            /** @description Why, for people. */
            detail: string;
            /** @description Its path. */
            path: string;
        };
        /** @description Files that a job refused; of a job of kind `verify`, what it found damaged. */
        JobRefusedList: {
            /** @description The `after` of the next page; null where this is the last one. */
            next: string | null;
            /** @description The files of this page. */
            refused: components["schemas"]["JobRefused"][];
        };
        /** @description A job. */
        JobShown: {
            /** @description Whether somebody asked for its end. */
            cancelling: boolean;
            /** @description The code of the error that ended it; null where none did. */
            code: string | null;
            /** @description The collection that it works on. */
            collection: string;
            /** @description What it has done, by name. */
            counts: {
                [key: string]: number;
            };
            /** @description What that error says; null where none ended it, and where the reader is no admin. */
            detail: string | null;
            /**
             * Format: int64
             * @description Things done so far.
             */
            done: number;
            /**
             * Format: date-time
             * @description When it ended; null before.
             */
            ended: string | null;
            /** @description The folder that it reads or writes; null where there is none, and where the reader is no admin. */
            folder: string | null;
            /**
             * Format: int64
             * @description The number of the registered folder that it reads; null where it reads none.
             */
            folder_id: number | null;
            /**
             * Format: int64
             * @description Its number.
             */
            id: number;
            /**
             * @description What it does: index, duplicates, verify, backup, embed or export.
             * @example index
             */
            kind: string;
            /**
             * Format: date-time
             * @description When it was made (RFC 3339, UTC).
             */
            made: string;
            /** @description The id of the key that made it; null without one, and where the reader is no admin. */
            made_by: string | null;
            /**
             * Format: double
             * @description Things a second; null unless it runs.
             */
            rate: number | null;
            /**
             * Format: double
             * @description Seconds that it will take yet at this rate; null where that is not known.
             */
            seconds_left: number | null;
            /**
             * Format: date-time
             * @description When it was first begun; null before.
             */
            started: string | null;
            /**
             * @description Where it stands: queued, running, done, failed or cancelled.
             * @example running
             */
            state: string;
            /**
             * Format: int64
             * @description Things in all, as far as known.
             */
            total: number;
        };
        /** @description A job to be made. */
        JobWanted: {
            /** @description Of `backup`: read also the files that earlier backups copied. */
            check?: boolean;
            /** @description The collection that it works on; the default one where it is left out. */
            collection?: string | null;
            /** @description Of `index` the folder to read, of `backup` the folder to write: a path of the server that it allows. */
            folder?: string | null;
            /**
             * Format: int64
             * @description Of `index` the number of a registered folder, in place of `folder`; its rules hold.
             */
            folder_id?: number | null;
            /** @description Of `export`: `jsonl`, an object a line, or `csv`; jsonl where it is left out. */
            format?: string | null;
            /**
             * @description What it does: index, duplicates, verify, backup, embed or export.
             * @example index
             * @enum {string}
             */
            kind: "index" | "duplicates" | "verify" | "backup" | "embed" | "export";
            /** @description Of `index`: read every file and compare its bytes. */
            reread?: boolean;
            /** @description Of `index`: read files again that were refused before. */
            retry?: boolean;
            /** @description Of `index` with `folder`: how it is indexed. */
            rules?: components["schemas"]["RulesShown"];
        };
        /** @description All keys. */
        KeyList: {
            /** @description The oldest first. */
            keys: components["schemas"]["KeyPresented"][];
        };
        /** @description A key that was made. */
        KeyMade: components["schemas"]["KeyPresented"] & {
            /** @description What requests carry as `Authorization: Bearer SECRET`. It is shown now and never again. */
            secret: string;
        };
        /** @description A key without its secret. */
        KeyPresented: {
            /**
             * Format: int32
             * @description Requests that it may make at once; null for any number.
             */
            at_once: number | null;
            /** @description The collections it is good for; null for all. */
            collections: string[] | null;
            /**
             * Format: date-time
             * @description When it was made (RFC 3339, UTC).
             */
            created: string;
            /** @description Whether it has ended. */
            ended: boolean;
            /**
             * Format: date-time
             * @description When it ends; null for never.
             */
            expires: string | null;
            /**
             * @description Twelve hexadecimal digits, by which it is revoked.
             * @example 0a1b2c3d4e5f
             */
            id: string;
            /**
             * Format: date-time
             * @description When it was last used, to the minute; null for never.
             */
            last_used: string | null;
            /** @description What it is for. */
            name: string;
            /**
             * Format: int32
             * @description Requests that it may make a minute; null for any number.
             */
            per_minute: number | null;
            /**
             * @description What it allows: search, read, add, delete or admin, which is all of them.
             * @example [
             *       "search",
             *       "read"
             *     ]
             */
            scopes: string[];
        };
        /** @description A key that is wanted. */
        KeyWanted: {
            /**
             * Format: int32
             * @description Requests that it may make at once, at least 1; any number without it.
             */
            at_once?: number | null;
            /** @description The collections it is good for; all without it. */
            collections?: string[] | null;
            /**
             * Format: int32
             * @description After how many days it ends, at least 1; never without it.
             */
            lasts_days?: number | null;
            /** @description What it is for, 1 to 100 bytes. */
            name: string;
            /**
             * Format: int32
             * @description Requests that it may make a minute, at least 1; any number without it.
             */
            per_minute?: number | null;
            /** @description What it allows: search, read, add, delete, admin. */
            scopes: ("search" | "read" | "add" | "delete" | "admin")[];
        };
        /** @description A change of a picture's labels: what is left out stays, null clears. */
        LabelChange: {
            /** @description Tags that it gets beside those it has. */
            add_tags?: string[];
            /** @description Its metadata, as a whole: at most 16 KiB when written without spaces, nested at most 32 levels deep. */
            metadata?: {
                [key: string]: unknown;
            } | null;
            /** @description The object it belongs to, 1 to 200 characters. */
            object?: string | null;
            /** @description Tags that it loses, where it has them. */
            remove_tags?: string[];
            /** @description All its tags, in place of those it has; at most 64, of 1 to 100 characters each. */
            tags?: string[] | null;
        };
        /** @description The form of answer that the original project gave. */
        LegacyAnswer: {
            /**
             * Format: int32
             * @description 200, or the HTTP status of the failure.
             */
            code: number;
            /**
             * Format: int64
             * @description Number of pictures; null after a failure.
             */
            data: number | null;
            /** @description `success`, or what went wrong. */
            msg: string;
        };
        /** @description What came of labelling all pictures that a filter means. */
        ManyChanged: {
            /**
             * Format: int64
             * @description How many have these labels now.
             */
            changed: number;
            /** @description Whether only counting was asked for. */
            dry_run: boolean;
            /**
             * Format: int64
             * @description How many the filter meant when the request began.
             */
            matched: number;
            /**
             * Format: int64
             * @description How many would have too many tags, and stay as they were.
             */
            too_many_tags: number;
        };
        /** @description What came of removing all pictures that a filter means. */
        ManyRemoved: {
            /** @description Whether only counting was asked for. */
            dry_run: boolean;
            /**
             * Format: int64
             * @description How many the filter meant when the request began.
             */
            matched: number;
            /**
             * Format: int64
             * @description How many were removed.
             */
            removed: number;
        };
        /** @description A media type of stored files. */
        MediaTypeFacts: {
            /** @description For example `image/jpeg`; a filter takes it as `media_type`. */
            media_type: string;
            /**
             * Format: int64
             * @description How many pictures have it.
             */
            pictures: number;
        };
        /** @description The media types of the stored files, ascending. */
        MediaTypeList: {
            media_types: components["schemas"]["MediaTypeFacts"][];
        };
        /** @description A picture of a group. */
        Member: {
            /**
             * @description Files that have exactly these bytes, each once, however many paths lead to it: 1 for an upload
             *     without a path, 0 where all are gone.
             */
            files: number;
            image: components["schemas"]["Picture"];
            /** @description Whether it is the first of those that are there: a suggestion which one to keep. */
            largest: boolean;
            /** @description Whether nothing is at any of its paths any more, and it was not uploaded. */
            missing: boolean;
            /** @description All its paths: files that are there first, then further paths to them. */
            paths: components["schemas"]["StoredPath"][];
        };
        /** @description The models that tell what looks alike. */
        ModelList: {
            /** @description In the order in which they came into use; twice the same name while one takes the other's place. */
            models: components["schemas"]["ModelState"][];
        };
        /** @description How far a model has come. */
        ModelState: {
            /**
             * Format: float
             * @description From which cosine on pictures are alike: one pair of unrelated pictures in a million reaches it,
             *     as the pictures held tell. Null while too few are held to tell.
             */
            alike_from: number | null;
            /** @description Whether it can describe pictures now; otherwise the vectors it made before are compared. */
            at_hand: boolean;
            /** @description Numbers in a vector. */
            dimension: number;
            /** @description The licence of its weights, as its author states it. Null for plug-ins, and where the model is not installed. */
            licence: string | null;
            /** @description Its id: the file, the settings and the runtime that its vectors were made with. */
            model: string;
            /** @description Its name. */
            name: string;
            /**
             * Format: int64
             * @description Pictures that wait for their vector, and are found by their words meanwhile.
             */
            pending: number;
            /** @description Pictures that have a vector. */
            vectors: number;
            /**
             * Format: int64
             * @description Pictures that it cannot describe.
             */
            without: number;
        };
        /** @description A pair that is no match. */
        NotAMatch: {
            /** @description The lower id. */
            a: string;
            /** @description The higher id. */
            b: string;
            /**
             * Format: date-time
             * @description When it was said (RFC 3339, UTC).
             */
            decided: string;
            image_a: components["schemas"]["Picture"] | null;
            image_b: components["schemas"]["Picture"] | null;
        };
        /** @description Pairs that are no match, the newest first. */
        NotAMatchList: {
            /**
             * Format: int64
             * @description At most so many were asked for.
             */
            limit: number;
            /** @description Give this as `cursor` for the next page; null when this was the last. */
            next: string | null;
            /**
             * Format: int64
             * @description How many were skipped.
             */
            offset: number;
            pairs: components["schemas"]["NotAMatch"][];
            /**
             * Format: int64
             * @description Number in all.
             */
            total: number;
        };
        /** @description A file that was not put back. */
        NotRestored: {
            /** @description Why not. */
            detail: string;
            /** @description Where it lay: for admins the whole path, for others its last name. Of an upload its id. */
            path: string;
        };
        /** @description An object that pictures belong to. */
        ObjectFacts: {
            id: string;
            /**
             * Format: int64
             * @description How many pictures belong to it.
             */
            pictures: number;
        };
        /** @description One page of the objects that pictures belong to, by id. */
        ObjectList: {
            /**
             * Format: int64
             * @description At most so many were asked for.
             */
            limit: number;
            /** @description Give this as `cursor` for the next page; null when this was the last. */
            next: string | null;
            objects: components["schemas"]["ObjectFacts"][];
            /**
             * Format: int64
             * @description How many were skipped.
             */
            offset: number;
            /**
             * Format: int64
             * @description Number of objects in all.
             */
            total: number;
        };
        /** @description One page of the pictures of an object, newest first. */
        ObjectPictures: {
            id: string;
            images: components["schemas"]["Picture"][];
            /**
             * Format: int64
             * @description At most so many were asked for.
             */
            limit: number;
            /** @description Give this as `cursor` for the next page; null when this was the last. */
            next: string | null;
            /**
             * Format: int64
             * @description How many were skipped.
             */
            offset: number;
            /**
             * Format: int64
             * @description How many pictures belong to it.
             */
            total: number;
        };
        /** @description Two pictures of a group, with the evidence. */
        Pair: {
            /** @description Id of the older. */
            a: string;
            /** @description Id of the newer. */
            b: string;
            /**
             * Format: double
             * @description Share of `a` that they span, 0 to 1.
             */
            coverage_a: number;
            /**
             * Format: double
             * @description Share of `b` that they span, 0 to 1.
             */
            coverage_b: number;
            /**
             * Format: int32
             * @description Number of matched points that fit the transform.
             */
            inliers: number;
            /** @description Whether one is the other's negative. */
            inverted: boolean;
            /** @description As in the group. */
            kind: string;
            /**
             * @description Id of the master in a pair of kind `derivative`: the raw file, the deeper one or the TIFF; else null, and
             *     where a picture was stored by a version that did not count bits a sample.
             */
            master: string | null;
            /** @description Whether one is mirrored against the other. */
            mirrored: boolean;
            /**
             * Format: double
             * @description log10 of how many such fits chance would give; the lower, the surer.
             */
            nfa_log10: number;
            /**
             * @description Boxes of `b` that differ from `a` in an edited pair, the largest first, at most eight: left, top,
             *     right and bottom in pixels. Empty where the change is everywhere.
             */
            regions: number[][];
            /**
             * Format: double
             * @description Share of what both show whose pixels agree as well, 0 to 1; null where they could not be
             *     compared.
             */
            same_share: number | null;
            /** @description The 3x3 matrix from the pixels of `a` to those of `b`, row by row. */
            transform: number[];
        };
        /** @description A form with two pictures. */
        PairForm: {
            /**
             * Format: binary
             * @description The first picture's file, or a stored picture's id as a text field.
             */
            a: string;
            /**
             * Format: binary
             * @description The second picture's file, or a stored picture's id as a text field.
             */
            b: string;
        };
        /** @description A stored picture. */
        Picture: {
            /**
             * Format: date-time
             * @description When it was added (RFC 3339, UTC).
             * @example 2026-01-01T00:00:00Z
             */
            added: string;
            /**
             * Format: int64
             * @description Length of the file in bytes.
             */
            bytes: number;
            /**
             * Format: int32
             * @description Bits a sample of the file, of a raw file those of the sensor; null as above.
             */
            depth: number | null;
            /**
             * Format: int32
             * @description Number of local features by which it can be found.
             */
            features: number;
            /** @description Address of its file. */
            file: string;
            /**
             * Format: int32
             * @description Height in pixels, upright.
             */
            height: number;
            /**
             * @description 32 lower-case hexadecimal characters, derived from the file's bytes.
             * @example 0123456789abcdef0123456789abcdef
             */
            id: string;
            /**
             * @description Media type of the file, found from its content.
             * @example image/jpeg
             */
            media_type: string;
            /** @description Its metadata; null where there is none. */
            metadata: {
                [key: string]: unknown;
            } | null;
            /** @description Name to show, usually the file's name. */
            name: string;
            /** @description The object it belongs to; null where it belongs to none. */
            object: string | null;
            /**
             * Format: int32
             * @description Pages or frames of the file, of which at most 32 are searched; null where the picture was stored by a
             *     version that did not count them.
             */
            pages: number | null;
            /** @description Its tags, ascending. */
            tags: string[];
            /**
             * Format: date-time
             * @description When it was taken, as its Exif states it (RFC 3339, UTC); null where it does not, or was not asked yet. A time
             *     without its difference to UTC counts as UTC.
             * @example 2019-07-31T12:00:00Z
             */
            taken: string | null;
            /** @description Address of a small JPEG of it. */
            thumbnail: string;
            /**
             * Format: int32
             * @description Width in pixels, upright.
             */
            width: number;
        };
        /** @description A picture, and where its files lie on the server. */
        PictureAndPaths: components["schemas"]["Picture"] & {
            /**
             * @description The folder of the first of its paths; null where it has none, as an upload, and for keys without the scope
             *     admin.
             * @example /home/me/Pictures/2019
             */
            folder: string | null;
            /**
             * @description Its paths: files that are there first, then further paths to them; for keys without the scope admin the last
             *     names, as few as tell them apart. A byte that is no UTF-8 stands as the character U+10FF00 plus the byte.
             */
            paths: components["schemas"]["StoredPath"][];
        };
        /** @description A picture to add that is at an address, which the server fetches where it was started so. */
        PictureAtAddress: {
            /** @description Its metadata. */
            metadata?: {
                [key: string]: unknown;
            } | null;
            /** @description The name to show; the last one of the address otherwise. */
            name?: string | null;
            /** @description The object it belongs to. */
            object?: string | null;
            /** @description Its tags. */
            tags?: string[];
            /** @description Of http or https, on the public internet. */
            url: string;
        };
        /** @description A form with one file. */
        PictureForm: {
            /**
             * Format: binary
             * @description The picture's file.
             */
            file: string;
        };
        /** @description One page of the stored pictures. */
        PictureList: {
            images: components["schemas"]["Picture"][];
            /**
             * Format: int64
             * @description How many were asked for at most.
             */
            limit: number;
            /** @description Give this as `cursor` for the next page; null when this was the last. */
            next: string | null;
            /**
             * Format: int64
             * @description How many were skipped.
             */
            offset: number;
            /**
             * Format: int64
             * @description Number of pictures in all.
             */
            total: number;
        };
        /** @description A form with pictures of one thing. */
        PicturesForm: {
            /** @description A picture's file, or features that `/v1/features` gave; may be given several times. */
            file?: string[];
            /** @description Id of a stored picture; may be given several times. */
            image_id?: string[];
        };
        /** @description An error of a plug-in's function, whose author may have given any detail. */
        PluginProblem: {
            /** @description Stable identifier for programs. */
            code: string;
            /** @description What went wrong this time: a text, or any value of an author's `HTTPException`. */
            detail: unknown;
            /** @description What to do now. */
            next_step: string;
            /**
             * Format: int32
             * @description The answer's HTTP status.
             */
            status: number;
            /** @description What the code means; the same for every occurrence. */
            title: string;
            /** @description Python's traceback or the worker's last lines. */
            traceback?: string | null;
            /** @description Address of the code in the list of errors. */
            type: string;
        };
        /** @description An error (RFC 9457). */
        ProblemBody: {
            /** @description Stable identifier for programs. */
            code: string;
            /** @description What went wrong this time. */
            detail: string;
            /** @description What to do now. */
            next_step: string;
            /**
             * Format: int32
             * @description The answer's HTTP status.
             */
            status: number;
            /** @description What the code means; the same for every occurrence. */
            title: string;
            /** @description Python's traceback or the worker's last lines, where a plug-in failed. */
            traceback?: string | null;
            /** @description Address of the code in the list of errors. */
            type: string;
        };
        /** @description A picture that was searched for. */
        QueryFacts: {
            /** @description Number of local features that were searched by. */
            features: number;
            /**
             * Format: int32
             * @description Height in pixels, upright.
             */
            height: number;
            /** @description Its id if it is a stored picture; null if it was sent. */
            image_id: string | null;
            /** @description Its name if it is a stored picture; null if it was sent. */
            name: string | null;
            /** @description Left, top, width and height of the region that counted, in pixels; null for all of it. */
            region: number[] | null;
            /**
             * Format: int32
             * @description Width in pixels, upright.
             */
            width: number;
        };
        /** @description Why something was not done. */
        Reason: {
            /** @description Stable identifier, one of those in the list of errors. */
            code: string;
            /** @description What to do now. */
            next_step: string;
            /** @description What went wrong this time. */
            reason: string;
        };
        /** @description A file of an indexed folder that could not be taken in. */
        RefusedFile: {
            /** @description Stable code of the reason, one of those in the list of errors. */
            code: string;
            /** @description Where it lies on the server. A byte that is no UTF-8 stands as the character U+10FF00 plus the byte. */
            path: string;
            /**
             * @description False where the file is no picture as far as its content and the ending of its name tell, as a sidecar
             *     or a video is.
             */
            picture: boolean;
            /** @description The reason as a sentence. */
            reason: string;
            /**
             * Format: date-time
             * @description When it was refused (RFC 3339, UTC).
             */
            seen: string;
        };
        /** @description One page of the files that could not be taken in, by path. */
        RefusedList: {
            /** @description Give this as `after` for the next page; null when this was the last. */
            next: string | null;
            refused: components["schemas"]["RefusedFile"][];
        };
        /** @description How many pictures were removed. */
        Removed: {
            /**
             * Format: int64
             * @description How many were removed.
             */
            removed: number;
        };
        /** @description What files were moved for duplicates. */
        ResolutionList: {
            /** @description Whether this server moves files. */
            quarantine: boolean;
            /** @description The newest first, at most a hundred. */
            resolutions: components["schemas"]["ResolutionShown"][];
        };
        /** @description Files that were moved by one request. */
        ResolutionShown: {
            /**
             * Format: int64
             * @description Their bytes.
             */
            bytes: number;
            /**
             * Format: int64
             * @description Files that were moved.
             */
            files: number;
            /**
             * @description By which it can be undone.
             * @example 20261130T105500Z-1a2b3c
             */
            id: string;
            /**
             * Format: date-time
             * @description When (RFC 3339, UTC).
             */
            made: string;
            /**
             * Format: int64
             * @description Pictures that were removed.
             */
            pictures: number;
            /** @description Whether all of them were put back, and their pictures stored again. */
            undone: boolean;
        };
        /** @description What came of resolving duplicates, or would. */
        ResolveAnswer: {
            /**
             * Format: int64
             * @description Their bytes.
             */
            bytes: number;
            /** @description Whether nothing was done. */
            dry_run: boolean;
            /** @description In the order of the request. */
            groups: components["schemas"]["ResolvedGroup"][];
            /** @description Files that were moved, or would be. */
            moved: number;
            /** @description Pictures that were not, or would not be. */
            refused: number;
            /** @description Pictures that were removed, or would be. */
            removed: number;
            /** @description By which it can be undone; null where files were kept, and where no picture was removed. */
            resolution: string | null;
        };
        /** @description Which pictures are removed in favour of which, and what becomes of their labels and files. */
        ResolveWanted: {
            /** @description The kept picture gets the tags of the others, and what it lacks of an object and of metadata. */
            carry_over?: boolean;
            /** @description Only tell what would happen. */
            dry_run?: boolean;
            /** @description What becomes of the files. */
            files?: components["schemas"]["FilesWanted"];
            /** @description At most 1000, with at most 10,000 pictures to remove. A picture stands in one group, once. */
            groups: components["schemas"]["GroupWanted"][];
        };
        /** @description What came of a file. */
        ResolvedFile: {
            /**
             * Format: int64
             * @description Its bytes.
             */
            bytes: number;
            /**
             * @description Where it lies or lay: for admins the whole path, for others its last name. Null for an upload, whose bytes the
             *     data folder has.
             */
            path: string | null;
            /**
             * @description `moved`, `stays`, `changed` (it has other bytes than the picture), `missing`, or `not_registered`: it lies in no
             *     registered folder.
             * @example moved
             */
            state: string;
            /** @description Where it was moved; null where it was not, and for others than admins. */
            to: string | null;
        };
        /** @description A picture that is kept, and what came of the others. */
        ResolvedGroup: {
            /** @description Whether its labels change. */
            carried_over: boolean;
            /** @description Id of the kept picture. */
            keep: string;
            /** @description The others. */
            remove: components["schemas"]["ResolvedPicture"][];
        };
        /** @description What came of a picture. */
        ResolvedPicture: {
            /** @description Why not: one of the list of errors; null where it was. */
            code: string | null;
            /** @description The same as a sentence. */
            detail: string | null;
            /** @description Its files. */
            files: components["schemas"]["ResolvedFile"][];
            /** @description Its id. */
            id: string;
            /** @description Its name; empty where it is not stored. */
            name: string;
            /** @description Whether it was removed, or would be. */
            removed: boolean;
            /**
             * @description Whether a file of it stays in a folder, or may be in a registered folder that is away: it comes back with that
             *     file when the folder is looked through.
             */
            returns: boolean;
        };
        /** @description How a folder is indexed. */
        RulesShown: {
            /**
             * @description What is left out: lines of a .gitignore.
             * @default []
             */
            exclude: string[];
            /**
             * @description What is taken in whatever leaves it out.
             * @default []
             */
            include: string[];
            /**
             * @description Whether pictures are removed whose files are gone.
             * @default false
             */
            prune: boolean;
            /**
             * @description Tags of each picture of the folder.
             * @default []
             */
            tags: string[];
        };
        /** @description Rules of a folder that are to change; the others stay. */
        RulesWanted: {
            exclude?: string[] | null;
            include?: string[] | null;
            prune?: boolean | null;
            tags?: string[] | null;
        };
        /** @description The pictures of a hit's object that were found beside it. */
        SameObject: {
            /** @description Ids of at most a hundred of them, best first. */
            image_ids: string[];
            /** @description How many there are. */
            total: number;
        };
        /** @description What a search found. */
        SearchAnswer: {
            /** @description How many hits after those look like the query as a whole. */
            alike_hits: number;
            /**
             * @description Files of the same bytes first; then verified hits, surest first; then those that look alike, the
             *     most alike first; then those compared closely whose number of false alarms is below 1, surest
             *     first; then all others by visual words. The surest are those with the fewest false alarms in the
             *     uniform chance model.
             */
            hits: components["schemas"]["Hit"][];
            /** @description Whether the query was looked for with its tones inverted as well; not with features of a plug-in. */
            inverted: boolean;
            /**
             * @description How many stored pictures were left out because somebody said that they are no match of the
             *     query.
             */
            left_out: number;
            /** @description How many hits were asked for at most. */
            limit: number;
            /** @description Whether the query was looked for mirrored as well; not with features of a plug-in. */
            mirrored: boolean;
            /** @description How many hits were skipped. */
            offset: number;
            /** @description All of them, where several were given. */
            queries?: components["schemas"]["QueryFacts"][] | null;
            /** @description What was searched for; the first picture where several were given. */
            query: components["schemas"]["QueryFacts"];
            /** @description How many candidates were looked at closely. */
            shortlist: number;
            timings: components["schemas"]["Timings"];
            /**
             * Format: double
             * @description How long the search took, in milliseconds.
             */
            took_ms: number;
            /**
             * @description Number of hits in all: pictures that share a visual word with the query or look like it, or with
             *     `group_by=object` the objects that these belong to.
             */
            total: number;
            /** @description How many of all hits are verified. */
            verified_hits: number;
        };
        /** @description What a session or a key stands for. */
        SessionState: {
            key: components["schemas"]["KeyPresented"] | null;
        };
        /** @description A key to be exchanged for a cookie. */
        SessionWanted: {
            /** @description The key's secret. */
            key: string;
        };
        /** @description One of the two pictures, or the page or frame of it that agrees most with one of the other. */
        Side: {
            /** @description Number of local features found in it. */
            features: number;
            /**
             * Format: int32
             * @description Which frame of the animation or video it is, from 1; only where several frames were compared.
             */
            frame?: number | null;
            /**
             * Format: int32
             * @description Height in pixels, upright.
             */
            height: number;
            /** @description Its id if it is a stored picture. */
            image_id?: string | null;
            /**
             * Format: int32
             * @description Which page of the file it is, from 1; only where several pages were compared.
             */
            page?: number | null;
            /**
             * Format: int64
             * @description When that frame begins, in milliseconds from the first; only with `frame`.
             */
            time_ms?: number | null;
            /**
             * Format: int32
             * @description Width in pixels, upright.
             */
            width: number;
        };
        /** @description How much room the data folder takes, in bytes. */
        StorageShown: {
            /** @description The collections that the key is good for. */
            collections: components["schemas"]["CollectionStorage"][];
            /**
             * Format: date-time
             * @description When it was measured (RFC 3339, UTC): at most a minute ago.
             */
            computed: string;
            /**
             * Format: int64
             * @description What is free on the disk of the data folder; null where the system does not tell, and for a key of some collections.
             */
            free: number | null;
            /**
             * Format: int64
             * @description What belongs to no collection, as jobs, keys, kept answers and exports; null for a key of some collections.
             */
            service: number | null;
            /**
             * Format: int64
             * @description All that is listed here.
             */
            total: number;
        };
        /** @description Two stored pictures. */
        StoredPair: {
            /** @description Id of the first. */
            a: string;
            /** @description Id of the second. */
            b: string;
        };
        /** @description A path of a picture, and what was there when this was asked for. */
        StoredPath: {
            /** @description The path that stands for the file of a `link` or `hard_link`; null otherwise. */
            link_to: string | null;
            /**
             * @description In a group, the last names of the path, as many as tell the paths of the group apart; of one picture, the
             *     whole path.
             * @example 2019/a.jpg
             */
            path: string;
            /**
             * @description `present`; `link`: the same file as at `link_to`, through a symbolic link; `hard_link`: the same file
             *     without one; `missing`: nothing is there; `unreachable`: that cannot be known, and it counts as a file.
             * @example present
             */
            state: string;
        };
        /** @description A search by pictures that are stored already, which are left out of the results, or by one at an address. */
        StoredQuery: {
            /**
             * @description Only pictures that these conditions choose: as the parameters of the same names, lists for several values,
             *     and `meta` as an object. In place of parameters in the address.
             */
            filter?: {
                [key: string]: unknown;
            } | null;
            /** @description Id of the picture. */
            image_id?: string | null;
            /** @description In place of it, ids of at most 10 pictures of one thing. */
            image_ids?: string[];
            /** @description In place of both, the address of a picture, which the server fetches where it was started so. */
            url?: string | null;
        };
        /** @description Where the time of a search went, in milliseconds. */
        Timings: {
            /**
             * Format: double
             * @description Finding candidates by visual words.
             */
            candidates_ms: number;
            /**
             * Format: double
             * @description Reading the picture; 0 for a stored one.
             */
            decode_ms: number;
            /**
             * Format: double
             * @description Asking once more with what verified hits show; 0 where there was nothing to ask with.
             */
            expand_ms: number;
            /**
             * Format: double
             * @description Finding and describing its local features; 0 for a stored one.
             */
            extract_ms: number;
            /**
             * Format: double
             * @description Finding what looks alike, and looking at that closely; 0 where no model is asked.
             */
            likeness_ms: number;
            /**
             * Format: double
             * @description All of it, the same as `took_ms`.
             */
            total_ms: number;
            /**
             * Format: double
             * @description Looking for the query mirrored and inverted; 0 where that was not done.
             */
            variants_ms: number;
            /**
             * Format: double
             * @description Looking at the candidates closely.
             */
            verify_ms: number;
        };
        /** @description Two stored pictures. */
        TwoPictures: {
            /** @description Id of the one. */
            a: string;
            /** @description Id of the other. */
            b: string;
        };
        /** @description What came of putting files back. */
        UndoAnswer: {
            /**
             * Format: int64
             * @description Pictures that are stored again, with their labels, since this request.
             */
            pictures: number;
            /** @description Files that were not, and pictures that did not get their labels again. */
            refused: components["schemas"]["NotRestored"][];
            /** @description The resolution's id. */
            resolution: string;
            /**
             * Format: int64
             * @description Files that were put back now.
             */
            restored: number;
        };
        /** @description Which resolution is undone. */
        UndoWanted: {
            /** @description Its id. */
            resolution: string;
        };
        /** @description All webhooks. */
        WebhookList: {
            /** @description The oldest first. */
            webhooks: components["schemas"]["WebhookShown"][];
        };
        /** @description A webhook that was made. */
        WebhookMade: {
            /**
             * @description What messages are signed with, in the form of Standard Webhooks. It is shown once.
             * @example whsec_…
             */
            secret: string;
            /** @description The webhook. */
            webhook: components["schemas"]["WebhookShown"];
        };
        /** @description An address to which the server reports jobs that have ended, without its secret. */
        WebhookShown: {
            /**
             * Format: date-time
             * @description When it was made (RFC 3339, UTC).
             */
            created: string;
            /**
             * @description Twelve hexadecimal digits, by which it is removed.
             * @example 0a1b2c3d4e5f
             */
            id: string;
            /** @description The id of the key that made it; null without one. */
            made_by: string | null;
            /** @description Where messages are sent. */
            url: string;
        };
        /** @description A webhook that is wanted. */
        WebhookWanted: {
            /**
             * @description Where messages are to be sent: http or https.
             * @example https://example.org/resight
             */
            url: string;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    legacy_count: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Their number */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LegacyAnswer"];
                };
            };
            /** @description The key is missing, unknown or ended */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key or the server does not allow this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key has reached its limit */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other failure */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LegacyAnswer"];
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    health: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It does */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Health"];
                };
            };
        };
    };
    live: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Health"];
                };
            };
        };
    };
    metrics: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The figures */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/openmetrics-text": string;
                };
            };
            /** @description The key is missing, unknown or ended */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key or the server does not allow this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key has reached its limit */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any failure */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    ready: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Searches are answered and pictures can be added; plug-ins tell their own state: starting, ok, degraded or broken */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
            /** @description The key is missing, unknown or ended */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key or the server does not allow this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key has reached its limit */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description No picture can be added; `reasons` says why: disk_full or data_folder_gone */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
            /** @description The catalogue cannot be read */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    list_collections: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description All of them */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CollectionList"];
                };
            };
            /** @description The key is missing, unknown or ended */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key or the server does not allow this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key has reached its limit */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any failure */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    collection: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The collection's name */
                collection: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The collection */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Collection"];
                };
            };
            /** @description The key is missing, unknown or ended */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key or the server does not allow this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description No such collection */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description This cannot name one */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key has reached its limit */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other failure */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    create_collection: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Its name: 1 to 63 of a-z, 0-9, _ and -, the first a letter or a digit */
                collection: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It was there before */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Collection"];
                };
            };
            /** @description Made */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Collection"];
                };
            };
            /** @description The key is missing, unknown or ended */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key or the server does not allow this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description There is no such thing */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description This cannot name one */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key has reached its limit */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other failure */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    remove_collection: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The collection's name */
                collection: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Removed */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The key is missing, unknown or ended */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key or the server does not allow this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description No such collection */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description This cannot name one, or it is the default one, which stays */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key has reached its limit */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Requests that use it take too long */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other failure */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    rename_collection: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The collection's name */
                collection: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CollectionRenamed"];
            };
        };
        responses: {
            /** @description It has the name */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Collection"];
                };
            };
            /** @description The key is missing, unknown or ended */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key or the server does not allow this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description No such collection */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Another one has the name */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The body's content type is not taken here */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description This cannot name one, or it is the default one, which keeps its name */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key has reached its limit */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description A job works on it, or requests that use it take too long */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other failure */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    compare: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description The two pictures: in a form as files or ids, or the ids of two stored ones */
        requestBody: {
            content: {
                "application/json": components["schemas"]["StoredPair"];
                "multipart/form-data": components["schemas"]["PairForm"];
            };
        };
        responses: {
            /** @description What they share, with the matched points */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Comparison"];
                };
            };
            /** @description The key is missing, unknown or ended */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key or the server does not allow this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description No stored picture has this id */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Not a form or JSON */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description A picture or the JSON cannot be used */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key has reached its limit */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too much work is waiting */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other failure */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    count_pictures: {
        parameters: {
            query?: {
                /** @description Only pictures with this tag; given several times, with all of them */
                tag?: string[];
                /** @description Only pictures with one of these tags at least; may be given several times */
                any_tag?: string[];
                /** @description Only pictures without this tag; may be given several times */
                not_tag?: string[];
                /** @description Only pictures with a tag that begins so; given several times, with one for each */
                tag_prefix?: string[];
                /** @description Only pictures of this object */
                object?: string;
                /** @description With `true`, only pictures with fewer than 50 features, of which next to nothing can be found */
                weak?: boolean;
                /** @description Only pictures whose name begins so */
                name_prefix?: string;
                /**
                 * @description Only pictures with a file in this folder of the server or below it; given several times, in one of them. For
                 *     keys with the scope admin
                 */
                folder?: string[];
                /** @description Only files of this media type, as `image/jpeg`; given several times, of one of them */
                media_type?: string[];
                /**
                 * @description With `true`, only pictures that `/v1/duplicates` found to be the same thing as another one, and those that are in
                 *     several files
                 */
                paired?: boolean;
                /** @description Only files of so many bytes at least */
                min_bytes?: number;
                /** @description Only files of so many bytes at most */
                max_bytes?: number;
                /** @description Only pictures so wide at least, in pixels */
                min_width?: number;
                /** @description Only pictures so wide at most */
                max_width?: number;
                /** @description Only pictures so high at least */
                min_height?: number;
                /** @description Only pictures so high at most */
                max_height?: number;
                /** @description Only pictures added then or later: a year, a month, a day, or a time as in RFC 3339, in UTC where it says nothing else */
                added_after?: string;
                /** @description Only pictures added before */
                added_before?: string;
                /** @description Only pictures taken then or later, as their Exif states it; those without a time are left out */
                taken_after?: string;
                /** @description Only pictures taken before */
                taken_before?: string;
                /** @description Only pictures whose metadata has this value at KEY, which may be any; numbers, true and false as JSON writes them */
                "meta.KEY"?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Their number */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Count"];
                };
            };
            /** @description The key is missing, unknown or ended */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key or the server does not allow this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description A parameter is not valid */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key has reached its limit */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any failure */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    duplicates: {
        parameters: {
            query?: {
                /** @description How many entries to skip; 0 by default */
                offset?: number;
                /** @description At most how many entries to return, 1 to 1000. Each list has its own default; the answer names the one that was used */
                limit?: number;
                /** @description Only groups of this kind: identical, re-encoded, edited, cropped or same_scene */
                kind?: "identical" | "re-encoded" | "derivative" | "edited" | "cropped" | "same_scene";
                /** @description Only groups of so many files or more; 2 by default */
                min_size?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DuplicateList"];
                };
            };
            /** @description The key is missing, unknown or ended */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key or the server does not allow this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description A parameter is not valid */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key has reached its limit */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other failure */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    list_resolutions: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The newest hundred */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ResolutionList"];
                };
            };
            /** @description The key is missing, unknown or ended */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key or the server does not allow this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key has reached its limit */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any failure */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    resolve_duplicates: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ResolveWanted"];
            };
        };
        responses: {
            /** @description What came of each picture */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ResolveAnswer"];
                };
            };
            /** @description The key is missing, unknown or ended */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key or the server does not allow it */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description A picture to keep is not stored; nothing was done */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The body's content type is not taken here */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The JSON cannot be used */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key has reached its limit */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other failure */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    undo_resolution: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UndoWanted"];
            };
        };
        responses: {
            /** @description What was put back */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UndoAnswer"];
                };
            };
            /** @description The key is missing, unknown or ended */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key or the server does not allow this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description There is no such resolution of this collection */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The body's content type is not taken here */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The JSON cannot be used */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key has reached its limit */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other failure */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    features: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description The picture, in a form or as it is */
        requestBody: {
            content: {
                "application/octet-stream": string;
                "image/*": string;
                "multipart/form-data": components["schemas"]["PictureForm"];
            };
        };
        responses: {
            /** @description The features; they carry the version of the format and the model that made them */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/vnd.resight.features": string;
                };
            };
            /** @description The key is missing, unknown or ended */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key or the server does not allow this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Not a form or a picture */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The picture cannot be used */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key has reached its limit */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too much work is waiting */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other failure */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    list_folders: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description All of them */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FolderList"];
                };
            };
            /** @description The key is missing, unknown or ended */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key or the server does not allow this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key has reached its limit */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any failure */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    register_folder: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["FolderWanted"];
            };
        };
        responses: {
            /** @description It was registered before */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FolderShown"];
                };
            };
            /** @description It is registered */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FolderShown"];
                };
            };
            /** @description The key is missing, unknown or ended */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key or the server does not allow it */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description No such collection */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The body's content type is not taken here */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description It is no folder, or its rules cannot be used */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key has reached its limit */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other failure */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    forget_folder: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The folder's number */
                folder: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is not registered any more */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The key is missing, unknown or ended */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key or the server does not allow this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description No such folder */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description A parameter or the body is not valid */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key has reached its limit */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other failure */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    change_folder: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The folder's number */
                folder: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RulesWanted"];
            };
        };
        responses: {
            /** @description The folder as it is now */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FolderShown"];
                };
            };
            /** @description The key is missing, unknown or ended */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key or the server does not allow this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description No such folder */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The body's content type is not taken here */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The rules cannot be used */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key has reached its limit */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other failure */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    list_pictures: {
        parameters: {
            query?: {
                /** @description Only pictures with this tag; given several times, with all of them */
                tag?: string[];
                /** @description Only pictures with one of these tags at least; may be given several times */
                any_tag?: string[];
                /** @description Only pictures without this tag; may be given several times */
                not_tag?: string[];
                /** @description Only pictures with a tag that begins so; given several times, with one for each */
                tag_prefix?: string[];
                /** @description Only pictures of this object */
                object?: string;
                /** @description With `true`, only pictures with fewer than 50 features, of which next to nothing can be found */
                weak?: boolean;
                /** @description Only pictures whose name begins so */
                name_prefix?: string;
                /**
                 * @description Only pictures with a file in this folder of the server or below it; given several times, in one of them. For
                 *     keys with the scope admin
                 */
                folder?: string[];
                /** @description Only files of this media type, as `image/jpeg`; given several times, of one of them */
                media_type?: string[];
                /**
                 * @description With `true`, only pictures that `/v1/duplicates` found to be the same thing as another one, and those that are in
                 *     several files
                 */
                paired?: boolean;
                /** @description Only files of so many bytes at least */
                min_bytes?: number;
                /** @description Only files of so many bytes at most */
                max_bytes?: number;
                /** @description Only pictures so wide at least, in pixels */
                min_width?: number;
                /** @description Only pictures so wide at most */
                max_width?: number;
                /** @description Only pictures so high at least */
                min_height?: number;
                /** @description Only pictures so high at most */
                max_height?: number;
                /** @description Only pictures added then or later: a year, a month, a day, or a time as in RFC 3339, in UTC where it says nothing else */
                added_after?: string;
                /** @description Only pictures added before */
                added_before?: string;
                /** @description Only pictures taken then or later, as their Exif states it; those without a time are left out */
                taken_after?: string;
                /** @description Only pictures taken before */
                taken_before?: string;
                /** @description Only pictures whose metadata has this value at KEY, which may be any; numbers, true and false as JSON writes them */
                "meta.KEY"?: string;
                /** @description How many entries to skip; 0 by default */
                offset?: number;
                /** @description At most how many entries to return, 1 to 1000. Each list has its own default; the answer names the one that was used */
                limit?: number;
                /** @description What pictures are ordered by: `added`, `name`, `taken` or `bytes`, with `-` before it the largest first; `-added` by default */
                sort?: "added" | "-added" | "name" | "-name" | "taken" | "-taken" | "bytes" | "-bytes";
                /** @description `next` of the page before, which this page follows, whatever was added or removed in between */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PictureList"];
                };
            };
            /** @description The key is missing, unknown or ended */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key or the server does not allow this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description A parameter is not valid */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key has reached its limit */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other failure */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    add_picture: {
        parameters: {
            query?: {
                /** @description Name of a picture that is sent as it is; in a form, the file's own name counts */
                name?: string;
                /** @description A tag for it; may be given several times, and in a form as a field */
                tag?: string[];
                /** @description The object it belongs to; in a form also a field */
                object?: string;
                /** @description Its metadata, a JSON object; in a form also a field */
                metadata?: string;
            };
            header?: {
                /** @description A key of the client's own, 1 to 200 visible characters: the same request again within 24 hours is answered as before */
                "Idempotency-Key"?: string | null;
            };
            path?: never;
            cookie?: never;
        };
        /** @description The picture, in a form, as it is, or at an address; or several in a form or in archives */
        requestBody: {
            content: {
                "application/gzip": string;
                "application/json": components["schemas"]["PictureAtAddress"];
                "application/octet-stream": string;
                "application/x-tar": string;
                "application/zip": string;
                "image/*": string;
                "multipart/form-data": components["schemas"]["AdditionForm"];
            };
        };
        responses: {
            /** @description Exactly this file was stored before; or what became of each of several files */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AddedOrMany"];
                    "application/x-ndjson": components["schemas"]["FileOutcome"];
                };
            };
            /** @description Stored */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AddedPicture"];
                };
            };
            /** @description The key is missing, unknown or ended */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key or the server does not allow this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description A request with this Idempotency-Key is at work */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Not a form or a picture */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The picture cannot be used */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key has reached its limit */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too much work is waiting */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other failure */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    remove_pictures: {
        parameters: {
            query?: {
                /** @description Only pictures with this tag; given several times, with all of them */
                tag?: string[];
                /** @description Only pictures with one of these tags at least; may be given several times */
                any_tag?: string[];
                /** @description Only pictures without this tag; may be given several times */
                not_tag?: string[];
                /** @description Only pictures with a tag that begins so; given several times, with one for each */
                tag_prefix?: string[];
                /** @description Only pictures of this object */
                object?: string;
                /** @description With `true`, only pictures with fewer than 50 features, of which next to nothing can be found */
                weak?: boolean;
                /** @description Only pictures whose name begins so */
                name_prefix?: string;
                /**
                 * @description Only pictures with a file in this folder of the server or below it; given several times, in one of them. For
                 *     keys with the scope admin
                 */
                folder?: string[];
                /** @description Only files of this media type, as `image/jpeg`; given several times, of one of them */
                media_type?: string[];
                /**
                 * @description With `true`, only pictures that `/v1/duplicates` found to be the same thing as another one, and those that are in
                 *     several files
                 */
                paired?: boolean;
                /** @description Only files of so many bytes at least */
                min_bytes?: number;
                /** @description Only files of so many bytes at most */
                max_bytes?: number;
                /** @description Only pictures so wide at least, in pixels */
                min_width?: number;
                /** @description Only pictures so wide at most */
                max_width?: number;
                /** @description Only pictures so high at least */
                min_height?: number;
                /** @description Only pictures so high at most */
                max_height?: number;
                /** @description Only pictures added then or later: a year, a month, a day, or a time as in RFC 3339, in UTC where it says nothing else */
                added_after?: string;
                /** @description Only pictures added before */
                added_before?: string;
                /** @description Only pictures taken then or later, as their Exif states it; those without a time are left out */
                taken_after?: string;
                /** @description Only pictures taken before */
                taken_before?: string;
                /** @description Only pictures whose metadata has this value at KEY, which may be any; numbers, true and false as JSON writes them */
                "meta.KEY"?: string;
                /** @description With `true`, nothing is changed, and the answer counts the pictures that would be */
                dry_run?: boolean;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description How many were removed */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ManyRemoved"];
                };
            };
            /** @description The key is missing, unknown or ended */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key or the server does not allow this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description There is no condition, or a parameter is not valid */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key has reached its limit */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other failure */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    label_pictures: {
        parameters: {
            query?: {
                /** @description Only pictures with this tag; given several times, with all of them */
                tag?: string[];
                /** @description Only pictures with one of these tags at least; may be given several times */
                any_tag?: string[];
                /** @description Only pictures without this tag; may be given several times */
                not_tag?: string[];
                /** @description Only pictures with a tag that begins so; given several times, with one for each */
                tag_prefix?: string[];
                /** @description Only pictures of this object */
                object?: string;
                /** @description With `true`, only pictures with fewer than 50 features, of which next to nothing can be found */
                weak?: boolean;
                /** @description Only pictures whose name begins so */
                name_prefix?: string;
                /**
                 * @description Only pictures with a file in this folder of the server or below it; given several times, in one of them. For
                 *     keys with the scope admin
                 */
                folder?: string[];
                /** @description Only files of this media type, as `image/jpeg`; given several times, of one of them */
                media_type?: string[];
                /**
                 * @description With `true`, only pictures that `/v1/duplicates` found to be the same thing as another one, and those that are in
                 *     several files
                 */
                paired?: boolean;
                /** @description Only files of so many bytes at least */
                min_bytes?: number;
                /** @description Only files of so many bytes at most */
                max_bytes?: number;
                /** @description Only pictures so wide at least, in pixels */
                min_width?: number;
                /** @description Only pictures so wide at most */
                max_width?: number;
                /** @description Only pictures so high at least */
                min_height?: number;
                /** @description Only pictures so high at most */
                max_height?: number;
                /** @description Only pictures added then or later: a year, a month, a day, or a time as in RFC 3339, in UTC where it says nothing else */
                added_after?: string;
                /** @description Only pictures added before */
                added_before?: string;
                /** @description Only pictures taken then or later, as their Exif states it; those without a time are left out */
                taken_after?: string;
                /** @description Only pictures taken before */
                taken_before?: string;
                /** @description Only pictures whose metadata has this value at KEY, which may be any; numbers, true and false as JSON writes them */
                "meta.KEY"?: string;
                /** @description With `true`, nothing is changed, and the answer counts the pictures that would be */
                dry_run?: boolean;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description What changes of each */
        requestBody: {
            content: {
                "application/json": components["schemas"]["LabelChange"];
                "application/merge-patch+json": components["schemas"]["LabelChange"];
            };
        };
        responses: {
            /** @description How many were changed */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ManyChanged"];
                };
            };
            /** @description The key is missing, unknown or ended */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key or the server does not allow this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The body's content type is not taken here */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description There is no condition, or the change or a parameter is not valid */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key has reached its limit */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other failure */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    download_pictures: {
        parameters: {
            query?: {
                /** @description Only pictures with this tag; given several times, with all of them */
                tag?: string[];
                /** @description Only pictures with one of these tags at least; may be given several times */
                any_tag?: string[];
                /** @description Only pictures without this tag; may be given several times */
                not_tag?: string[];
                /** @description Only pictures with a tag that begins so; given several times, with one for each */
                tag_prefix?: string[];
                /** @description Only pictures of this object */
                object?: string;
                /** @description With `true`, only pictures with fewer than 50 features, of which next to nothing can be found */
                weak?: boolean;
                /** @description Only pictures whose name begins so */
                name_prefix?: string;
                /**
                 * @description Only pictures with a file in this folder of the server or below it; given several times, in one of them. For
                 *     keys with the scope admin
                 */
                folder?: string[];
                /** @description Only files of this media type, as `image/jpeg`; given several times, of one of them */
                media_type?: string[];
                /**
                 * @description With `true`, only pictures that `/v1/duplicates` found to be the same thing as another one, and those that are in
                 *     several files
                 */
                paired?: boolean;
                /** @description Only files of so many bytes at least */
                min_bytes?: number;
                /** @description Only files of so many bytes at most */
                max_bytes?: number;
                /** @description Only pictures so wide at least, in pixels */
                min_width?: number;
                /** @description Only pictures so wide at most */
                max_width?: number;
                /** @description Only pictures so high at least */
                min_height?: number;
                /** @description Only pictures so high at most */
                max_height?: number;
                /** @description Only pictures added then or later: a year, a month, a day, or a time as in RFC 3339, in UTC where it says nothing else */
                added_after?: string;
                /** @description Only pictures added before */
                added_before?: string;
                /** @description Only pictures taken then or later, as their Exif states it; those without a time are left out */
                taken_after?: string;
                /** @description Only pictures taken before */
                taken_before?: string;
                /** @description Only pictures whose metadata has this value at KEY, which may be any; numbers, true and false as JSON writes them */
                "meta.KEY"?: string;
                /** @description Ids of pictures, separated by commas; may be given several times. Without a filter */
                id?: string[];
                /** @description With `true`, all pictures, where no id and no condition is given */
                all?: boolean;
                /** @description Name of the archive, without its ending */
                name?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The archive; the headers X-Resight-Files and X-Resight-Bytes count all of the files */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/zip": string;
                };
            };
            /** @description The key is missing, unknown or ended */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key or the server does not allow this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description There is no picture of one of the ids */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description A parameter is not valid, nothing is chosen, or more than is sent in one file */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key has reached its limit */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other failure */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    download_many_pictures: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description Which pictures; a form has the names of the parameters of the address */
        requestBody: {
            content: {
                "application/json": components["schemas"]["DownloadWanted"];
                "application/x-www-form-urlencoded": components["schemas"]["DownloadForm"];
            };
        };
        responses: {
            /** @description The archive */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/zip": string;
                };
            };
            /** @description The key is missing, unknown or ended */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key or the server does not allow this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description There is no picture of one of the ids */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The body's content type is not taken here */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The body is not valid, nothing is chosen, or more than is sent in one file */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key has reached its limit */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other failure */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    picture: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The picture's id */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The picture */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PictureAndPaths"];
                };
            };
            /** @description The key is missing, unknown or ended */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key or the server does not allow this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description No such picture */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description A parameter or the body is not valid */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key has reached its limit */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other failure */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    remove_picture: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The picture's id */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Removed */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The key is missing, unknown or ended */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key or the server does not allow this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description No such picture */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description A parameter or the body is not valid */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key has reached its limit */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other failure */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    label_picture: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The picture's id */
                id: string;
            };
            cookie?: never;
        };
        /** @description What changes */
        requestBody: {
            content: {
                "application/json": components["schemas"]["LabelChange"];
                "application/merge-patch+json": components["schemas"]["LabelChange"];
            };
        };
        responses: {
            /** @description The picture as it is now */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Picture"];
                };
            };
            /** @description The key is missing, unknown or ended */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key or the server does not allow this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description No such picture */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The body's content type is not taken here */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The change cannot be made */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key has reached its limit */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other failure */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    picture_exif: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The picture's id */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The fields */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ExifList"];
                };
            };
            /** @description The key is missing, unknown or ended */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key or the server does not allow this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description No such picture */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The file is no longer in its folder */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description A parameter or the body is not valid */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key has reached its limit */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other failure */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    picture_file: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The picture's id */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The file */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "image/*": string;
                };
            };
            /** @description The part of it that the header Range asks for */
            206: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "image/*": string;
                };
            };
            /** @description The client holds it already */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The key is missing, unknown or ended */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key or the server does not allow this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description No such picture */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The file is no longer in its folder */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The header Range names nothing that the file has */
            416: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description A parameter or the body is not valid */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key has reached its limit */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other failure */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    thumbnail: {
        parameters: {
            query?: {
                /** @description Number of a page or frame of the file, from 1, to be drawn instead; without, the picture's own thumbnail */
                page?: number;
            };
            header?: never;
            path: {
                /** @description The picture's id */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The thumbnail */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "image/jpeg": string;
                };
            };
            /** @description The client holds it already */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The key is missing, unknown or ended */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key or the server does not allow this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description No such picture */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description A parameter or the body is not valid */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key has reached its limit */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other failure */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    list_jobs: {
        parameters: {
            query?: {
                /** @description Only jobs in this state: queued, running, done, failed or cancelled; may be given several times */
                state?: ("queued" | "running" | "done" | "failed" | "cancelled")[];
                /** @description Only jobs of this kind: index, duplicates, verify, backup, embed or export */
                kind?: "index" | "duplicates" | "verify" | "backup" | "embed" | "export";
                /** @description Only jobs of this collection */
                of?: string;
                /** @description Only jobs with a smaller number */
                before?: number;
                /** @description At most how many jobs to return, 1 to 1000; 50 by default */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobList"];
                };
            };
            /** @description The key is missing, unknown or ended */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key or the server does not allow this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description A parameter is not valid */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key has reached its limit */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other failure */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    create_job: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["JobWanted"];
            };
        };
        responses: {
            /** @description It waits for its turn */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobShown"];
                };
            };
            /** @description The key is missing, unknown or ended */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key or the server does not allow it */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description No such collection or registered folder */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The body's content type is not taken here */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description There can be no such job */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key has as many jobs as it may, or has reached another limit */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too many jobs wait */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other failure */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    job: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The job's number */
                job: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The job */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobShown"];
                };
            };
            /** @description The key is missing, unknown or ended */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key or the server does not allow this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description No such job */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description A parameter or the body is not valid */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key has reached its limit */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other failure */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    cancel_job: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The job's number */
                job: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It ends soon, or has ended */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobShown"];
                };
            };
            /** @description The key is missing, unknown or ended */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key or the server does not allow this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description No such job */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description It had ended already */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description A parameter or the body is not valid */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key has reached its limit */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other failure */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    job_events: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The job's number */
                job: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Server-sent events */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": unknown;
                };
            };
            /** @description The key is missing, unknown or ended */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key or the server does not allow this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description No such job */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description A parameter or the body is not valid */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key has reached its limit */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too many clients follow jobs */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other failure */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    file_of_job: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The job's number */
                job: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The file */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/x-ndjson": string;
                    "text/csv": string;
                };
            };
            /** @description The key is missing, unknown or ended */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key does not allow it */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description No such job, or it has no file */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description A parameter or the body is not valid */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key has reached its limit */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other failure */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    refused_of_job: {
        parameters: {
            query?: {
                /** @description Return files whose path comes after this one */
                after?: string;
                /** @description At most how many files to return, 1 to 1000; 100 by default */
                limit?: number;
            };
            header?: never;
            path: {
                /** @description The job's number */
                job: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobRefusedList"];
                };
            };
            /** @description The key is missing, unknown or ended */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key or the server does not allow this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description No such job */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description A parameter is not valid */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key has reached its limit */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other failure */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    list_keys: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description All keys */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["KeyList"];
                };
            };
            /** @description The key is missing, unknown or ended */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key or the server does not allow this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key has reached its limit */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any failure */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    create_key: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["KeyWanted"];
            };
        };
        responses: {
            /** @description The key with its secret */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["KeyMade"];
                };
            };
            /** @description The key is missing, unknown or ended */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key or the server does not allow this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The body's content type is not taken here */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description There can be no such key */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key has reached its limit */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other failure */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    revoke_key: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The key's id */
                key: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is revoked */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The key is missing, unknown or ended */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key or the server does not allow this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description No key has this id */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description A parameter or the body is not valid */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key has reached its limit */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other failure */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    list_media_types: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description All of them */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MediaTypeList"];
                };
            };
            /** @description The key is missing, unknown or ended */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key or the server does not allow this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key has reached its limit */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any failure */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    list_models: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Those in use */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ModelList"];
                };
            };
            /** @description The key is missing, unknown or ended */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key or the server does not allow this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key has reached its limit */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any failure */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    list_not_a_match: {
        parameters: {
            query?: {
                /** @description How many entries to skip; 0 by default */
                offset?: number;
                /** @description At most how many entries to return, 1 to 1000. Each list has its own default; the answer names the one that was used */
                limit?: number;
                /** @description `next` of the page before, which this page follows, whatever was added or removed in between */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NotAMatchList"];
                };
            };
            /** @description The key is missing, unknown or ended */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key or the server does not allow this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description A parameter is not valid */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key has reached its limit */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other failure */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    add_not_a_match: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TwoPictures"];
            };
        };
        responses: {
            /** @description It is noted */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Decision"];
                };
            };
            /** @description The key is missing, unknown or ended */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key or the server does not allow this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description One of them is not stored */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The body's content type is not taken here */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The JSON cannot be used */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key has reached its limit */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other failure */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    drop_not_a_match: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TwoPictures"];
            };
        };
        responses: {
            /** @description It is taken back */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Decision"];
                };
            };
            /** @description The key is missing, unknown or ended */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key or the server does not allow this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The body's content type is not taken here */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The JSON cannot be used */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key has reached its limit */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other failure */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    list_objects: {
        parameters: {
            query?: {
                /** @description How many entries to skip; 0 by default */
                offset?: number;
                /** @description At most how many entries to return, 1 to 1000. Each list has its own default; the answer names the one that was used */
                limit?: number;
                /** @description `next` of the page before, which this page follows, whatever was added or removed in between */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ObjectList"];
                };
            };
            /** @description The key is missing, unknown or ended */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key or the server does not allow this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description A parameter is not valid */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key has reached its limit */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other failure */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    object: {
        parameters: {
            query?: {
                /** @description How many entries to skip; 0 by default */
                offset?: number;
                /** @description At most how many entries to return, 1 to 1000. Each list has its own default; the answer names the one that was used */
                limit?: number;
                /** @description What pictures are ordered by: `added`, `name`, `taken` or `bytes`, with `-` before it the largest first; `-added` by default */
                sort?: "added" | "-added" | "name" | "-name" | "taken" | "-taken" | "bytes" | "-bytes";
                /** @description `next` of the page before, which this page follows, whatever was added or removed in between */
                cursor?: string;
            };
            header?: never;
            path: {
                /** @description The object's id */
                object: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ObjectPictures"];
                };
            };
            /** @description The key is missing, unknown or ended */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key or the server does not allow this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description No picture belongs to this object */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description A parameter or the body is not valid */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key has reached its limit */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other failure */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    remove_object: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The object's id */
                object: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Its pictures are removed */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Removed"];
                };
            };
            /** @description The key is missing, unknown or ended */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key or the server does not allow this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description No picture belongs to this object */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description A parameter or the body is not valid */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key has reached its limit */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other failure */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    list_plugins: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description All plug-ins */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
            /** @description The key is missing, unknown or ended */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key or the server does not allow this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key has reached its limit */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any failure */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    one_plugin: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The plug-in: its file's name without .py */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The plug-in */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
            /** @description The key is missing, unknown or ended */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key or the server does not allow this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description There is none of this name */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description A parameter or the body is not valid */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key has reached its limit */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other failure */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    get_plugin_function: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The plug-in */
                name: string;
                /** @description One of its functions; the query's parameters are its arguments */
                function: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What the function returned: JSON, a picture or other bytes */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
            /** @description The key is missing, unknown or ended */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["PluginProblem"];
                };
            };
            /** @description The key or the server does not allow this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["PluginProblem"];
                };
            };
            /** @description No such plug-in or function, or the function answered so */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["PluginProblem"];
                };
            };
            /** @description A parameter or the body is not valid */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["PluginProblem"];
                };
            };
            /** @description The key has reached its limit */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["PluginProblem"];
                };
            };
            /** @description The function failed; the body holds the traceback */
            502: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["PluginProblem"];
                };
            };
            /** @description The function answered with this status */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["PluginProblem"];
                };
            };
            /** @description The function answered with this status */
            "5XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["PluginProblem"];
                };
            };
            /** @description Any other failure */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    post_plugin_function: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The plug-in */
                name: string;
                /** @description One of its functions */
                function: string;
            };
            cookie?: never;
        };
        /** @description Named arguments as a JSON object or a form, or a picture as it is */
        requestBody: {
            content: {
                "application/json": unknown;
                "application/octet-stream": string;
                "application/x-www-form-urlencoded": unknown;
                "image/*": string;
                "multipart/form-data": unknown;
            };
        };
        responses: {
            /** @description What the function returned: JSON, a picture or other bytes */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
            /** @description The key is missing, unknown or ended */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["PluginProblem"];
                };
            };
            /** @description The key or the server does not allow this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["PluginProblem"];
                };
            };
            /** @description No such plug-in or function, or the function answered so */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["PluginProblem"];
                };
            };
            /** @description The body's content type is not taken here */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["PluginProblem"];
                };
            };
            /** @description A parameter or the body is not valid */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["PluginProblem"];
                };
            };
            /** @description The key has reached its limit */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["PluginProblem"];
                };
            };
            /** @description The function failed; the body holds the traceback */
            502: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["PluginProblem"];
                };
            };
            /** @description The function answered with this status */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["PluginProblem"];
                };
            };
            /** @description The function answered with this status */
            "5XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["PluginProblem"];
                };
            };
            /** @description Any other failure */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    list_refused: {
        parameters: {
            query?: {
                /** @description Return files whose path comes after this one */
                after?: string;
                /** @description Only files that were refused with this code; may be given several times */
                code?: ("empty" | "too_many_bytes" | "too_many_pixels" | "too_small" | "not_an_image" | "format_not_supported" | "broken" | "video_unreadable" | "decoder_failed" | "unreadable" | "extractor_failed")[];
                /** @description At most how many files to return, 1 to 1000; 100 by default */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RefusedList"];
                };
            };
            /** @description The key is missing, unknown or ended */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key or the server does not allow this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description A parameter is not valid */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key has reached its limit */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other failure */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    search_stored: {
        parameters: {
            query: {
                /** @description Id of the stored picture; it is left out of the results */
                image_id: string;
                /** @description How many entries to skip; 0 by default */
                offset?: number;
                /** @description At most how many entries to return, 1 to 1000. Each list has its own default; the answer names the one that was used */
                limit?: number;
                /** @description Whether to return the matched points of each hit; false by default */
                matches?: boolean;
                /** @description Whether to leave out hits that are not verified; false by default */
                verified_only?: boolean;
                /** @description Whether to ask once more with what verified hits show of the same thing; true by default */
                expand?: boolean;
                /** @description Whether to look for the query mirrored left to right as well; true by default, and left out with features of a plug-in */
                mirrored?: boolean;
                /** @description Whether to look for the query with its tones inverted, as in a negative, as well; true by default, and left out with features of a plug-in */
                inverted?: boolean;
                /** @description What counts as found: `exact`, the same thing by its details; `similar`, what looks alike as a whole, by the models in use; `auto` (default), both, the same thing first */
                mode?: "exact" | "similar" | "auto";
                /** @description Only what is inside counts: x,y,width,height in pixels of the picture, or pct:x,y,width,height in percent; for one picture */
                region?: string;
                /** @description `object`: return each object once, by the best of its pictures; pictures of no object stand for themselves */
                group_by?: "object";
                /** @description Only pictures with this tag; given several times, with all of them */
                tag?: string[];
                /** @description Only pictures with one of these tags at least; may be given several times */
                any_tag?: string[];
                /** @description Only pictures without this tag; may be given several times */
                not_tag?: string[];
                /** @description Only pictures with a tag that begins so; given several times, with one for each */
                tag_prefix?: string[];
                /** @description Only pictures of this object */
                object?: string;
                /** @description With `true`, only pictures with fewer than 50 features, of which next to nothing can be found */
                weak?: boolean;
                /** @description Only pictures whose name begins so */
                name_prefix?: string;
                /**
                 * @description Only pictures with a file in this folder of the server or below it; given several times, in one of them. For
                 *     keys with the scope admin
                 */
                folder?: string[];
                /** @description Only files of this media type, as `image/jpeg`; given several times, of one of them */
                media_type?: string[];
                /**
                 * @description With `true`, only pictures that `/v1/duplicates` found to be the same thing as another one, and those that are in
                 *     several files
                 */
                paired?: boolean;
                /** @description Only files of so many bytes at least */
                min_bytes?: number;
                /** @description Only files of so many bytes at most */
                max_bytes?: number;
                /** @description Only pictures so wide at least, in pixels */
                min_width?: number;
                /** @description Only pictures so wide at most */
                max_width?: number;
                /** @description Only pictures so high at least */
                min_height?: number;
                /** @description Only pictures so high at most */
                max_height?: number;
                /** @description Only pictures added then or later: a year, a month, a day, or a time as in RFC 3339, in UTC where it says nothing else */
                added_after?: string;
                /** @description Only pictures added before */
                added_before?: string;
                /** @description Only pictures taken then or later, as their Exif states it; those without a time are left out */
                taken_after?: string;
                /** @description Only pictures taken before */
                taken_before?: string;
                /** @description Only pictures whose metadata has this value at KEY, which may be any; numbers, true and false as JSON writes them */
                "meta.KEY"?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The hits */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SearchAnswer"];
                };
            };
            /** @description The key is missing, unknown or ended */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key or the server does not allow this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description No stored picture has this id */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description A parameter cannot be used */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key has reached its limit */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too much work is waiting */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other failure */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    search: {
        parameters: {
            query?: {
                /** @description How many entries to skip; 0 by default */
                offset?: number;
                /** @description At most how many entries to return, 1 to 1000. Each list has its own default; the answer names the one that was used */
                limit?: number;
                /** @description Whether to return the matched points of each hit; false by default */
                matches?: boolean;
                /** @description Whether to leave out hits that are not verified; false by default */
                verified_only?: boolean;
                /** @description Whether to ask once more with what verified hits show of the same thing; true by default */
                expand?: boolean;
                /** @description Whether to look for the query mirrored left to right as well; true by default, and left out with features of a plug-in */
                mirrored?: boolean;
                /** @description Whether to look for the query with its tones inverted, as in a negative, as well; true by default, and left out with features of a plug-in */
                inverted?: boolean;
                /** @description What counts as found: `exact`, the same thing by its details; `similar`, what looks alike as a whole, by the models in use; `auto` (default), both, the same thing first */
                mode?: "exact" | "similar" | "auto";
                /** @description Only what is inside counts: x,y,width,height in pixels of the picture, or pct:x,y,width,height in percent; for one picture */
                region?: string;
                /** @description `object`: return each object once, by the best of its pictures; pictures of no object stand for themselves */
                group_by?: "object";
                /** @description Only pictures with this tag; given several times, with all of them */
                tag?: string[];
                /** @description Only pictures with one of these tags at least; may be given several times */
                any_tag?: string[];
                /** @description Only pictures without this tag; may be given several times */
                not_tag?: string[];
                /** @description Only pictures with a tag that begins so; given several times, with one for each */
                tag_prefix?: string[];
                /** @description Only pictures of this object */
                object?: string;
                /** @description With `true`, only pictures with fewer than 50 features, of which next to nothing can be found */
                weak?: boolean;
                /** @description Only pictures whose name begins so */
                name_prefix?: string;
                /**
                 * @description Only pictures with a file in this folder of the server or below it; given several times, in one of them. For
                 *     keys with the scope admin
                 */
                folder?: string[];
                /** @description Only files of this media type, as `image/jpeg`; given several times, of one of them */
                media_type?: string[];
                /**
                 * @description With `true`, only pictures that `/v1/duplicates` found to be the same thing as another one, and those that are in
                 *     several files
                 */
                paired?: boolean;
                /** @description Only files of so many bytes at least */
                min_bytes?: number;
                /** @description Only files of so many bytes at most */
                max_bytes?: number;
                /** @description Only pictures so wide at least, in pixels */
                min_width?: number;
                /** @description Only pictures so wide at most */
                max_width?: number;
                /** @description Only pictures so high at least */
                min_height?: number;
                /** @description Only pictures so high at most */
                max_height?: number;
                /** @description Only pictures added then or later: a year, a month, a day, or a time as in RFC 3339, in UTC where it says nothing else */
                added_after?: string;
                /** @description Only pictures added before */
                added_before?: string;
                /** @description Only pictures taken then or later, as their Exif states it; those without a time are left out */
                taken_after?: string;
                /** @description Only pictures taken before */
                taken_before?: string;
                /** @description Only pictures whose metadata has this value at KEY, which may be any; numbers, true and false as JSON writes them */
                "meta.KEY"?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description At most 10 pictures of the same thing: in a form, one as it is, features that /v1/features gave, the ids of stored ones, or the address of one */
        requestBody: {
            content: {
                "application/json": components["schemas"]["StoredQuery"];
                "application/octet-stream": string;
                "application/vnd.resight.features": string;
                "image/*": string;
                "multipart/form-data": components["schemas"]["PicturesForm"];
            };
        };
        responses: {
            /** @description The hits */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SearchAnswer"];
                };
            };
            /** @description The key is missing, unknown or ended */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key or the server does not allow this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description No stored picture has this id */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Not a form, a picture or JSON */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The picture, the JSON or a parameter cannot be used */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key has reached its limit */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too much work is waiting */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other failure */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    session: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The key */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SessionState"];
                };
            };
            /** @description A key is asked for */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key or the server does not allow this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key has reached its limit */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other failure */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    begin_session: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SessionWanted"];
            };
        };
        responses: {
            /** @description The cookie is set */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SessionState"];
                };
            };
            /** @description The key is not accepted */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The server asks for no key */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The body's content type is not taken here */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description A parameter or the body is not valid */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key has reached its limit */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other failure */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    end_session: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The browser forgets the cookie */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The key is missing, unknown or ended */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key or the server does not allow this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key has reached its limit */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any failure */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    storage: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Bytes by kind */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StorageShown"];
                };
            };
            /** @description The key is missing, unknown or ended */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key or the server does not allow this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key has reached its limit */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any failure */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    list_webhooks: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description All of them */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WebhookList"];
                };
            };
            /** @description The key is missing, unknown or ended */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key or the server does not allow this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key has reached its limit */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any failure */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    create_webhook: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["WebhookWanted"];
            };
        };
        responses: {
            /** @description The address with its secret */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WebhookMade"];
                };
            };
            /** @description The key is missing, unknown or ended */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key or the server does not allow this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The body's content type is not taken here */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The address cannot be told */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key has reached its limit */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other failure */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    remove_webhook: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Its id */
                webhook: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is forgotten */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The key is missing, unknown or ended */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key or the server does not allow this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description No webhook has this id */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description A parameter or the body is not valid */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description The key has reached its limit */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other failure */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
}
