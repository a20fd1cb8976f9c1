//! The contracts of the traits as tests that any implementation can run, and a reference
//! implementation in memory.
//!
//! [`catalogue_conformance!`](crate::catalogue_conformance),
//! [`durable_conformance!`](crate::durable_conformance) and
//! [`blob_conformance!`](crate::blob_conformance) make one `#[test]` of each case. All cases call the
//! implementation through `dyn` traits, and need only what the contracts promise. A second store's own
//! tests (its files, its server, what happens when it is killed) stand beside them.
//!
//! In the tests of a store's own crate:
//!
//! ```text
//! mod in_postgresql {
//!     // Each call makes an empty catalogue in a schema of its own.
//!     resight_store::catalogue_conformance!(super::new_schemas());
//!     // Each call opens the same catalogue.
//!     resight_store::durable_conformance!(super::one_schema());
//! }
//! ```
//!
//! Built with the feature `conformance` only, for tests.

// The lint spares test functions, and these are their bodies.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod batches;
mod blobs;
mod changes;
mod durable;
pub mod fixtures;
mod labels;
mod lists;
mod memory;
mod pairs;
mod parts;
mod paths;
mod reading;
mod removed;
mod repairs;
mod staged;
mod vectors;
mod views;

pub use memory::{MemoryBlobs, MemoryCatalogue};

use fixtures::{Make, MakeBlobs};

/// Defines the table of a suite, from which a case runs by its name, and the macro that makes a
/// `#[test]` of each. Cases are private to their files, so the compiler warns of one that is missing
/// here.
macro_rules! suite {
    (
        $dollar:tt
        $(#[$doc:meta])*
        $macro:ident, $(#[$run_doc:meta])* $run:ident($make:ty):
        $($file:ident { $($case:ident,)* })*
    ) => {
        $(#[$run_doc])*
        pub fn $run(name: &str, make: $make) {
            match name {
                $($(stringify!($case) => $file::$case(make),)*)*
                _ => panic!("no such case: {name}"),
            }
        }

        $(#[$doc])*
        #[macro_export]
        macro_rules! $macro {
            ($dollar make:expr) => {
                $($(
                    #[test]
                    fn $case() {
                        let make = $dollar make;
                        $dollar crate::conformance::$run(stringify!($case), &make);
                    }
                )*)*
            };
        }
    };
}

suite! {$
    /// Makes a `#[test]` of each case that every catalogue must pass. The argument is an expression of
    /// type `Fn() -> Box<dyn Catalogue>`, evaluated for each test; each call makes a new, empty
    /// catalogue.
    catalogue_conformance,
    /// Runs the case with this name of [`crate::catalogue_conformance`]. Panics if it fails.
    run_catalogue_case(Make<'_>):
    batches {
        a_picture_that_moves_to_another_path_stays,
        two_files_that_swap_their_names_keep_both_pictures,
        a_file_that_was_renamed_keeps_its_picture_key,
        a_picture_without_sources_at_the_end_is_named_once_where_it_lost_the_last,
        several_pictures_go_with_the_changes_that_took_their_files,
        a_picture_removed_by_name_after_its_last_file_is_named_there_alone,
        an_upload_within_the_batch_keeps_a_picture_without_a_file,
        a_picture_that_never_had_a_file_is_left_alone,
    }
    changes {
        what_was_added_is_read_back,
        the_same_picture_again_only_gains_a_source_and_the_flag,
        remove_takes_everything_along_and_the_key_is_not_used_again,
        a_source_is_added_only_to_a_picture_that_is_there,
        a_picture_outlives_a_new_record_of_its_only_source,
        a_path_that_turns_to_another_picture_names_the_one_that_goes,
        the_last_dropped_source_takes_the_picture_unless_it_was_uploaded,
        a_forgotten_source_takes_no_picture,
        a_refusal_and_a_source_of_one_path_drop_each_other,
        later_changes_of_a_batch_see_the_earlier,
        one_of_several_threads_adds_a_picture,
    }
    lists {
        each_condition_chooses_its_pictures,
        media_types_are_counted,
        pages_join_in_every_order,
        pages_stay_joined_while_pictures_come_and_go,
        objects_follow_each_other,
        the_time_of_taking_is_stored_and_can_be_put_later,
    }
    labels {
        a_patch_changes_only_what_it_names,
        too_many_tags_change_nothing_and_stop_nothing_else,
        pictures_match_a_filter_if_they_meet_all_of_it,
        a_picture_without_tags_has_none_of_those_excluded,
        a_filter_may_have_many_conditions,
        objects_are_counted_with_their_members,
        text_sorts_by_its_bytes,
        labels_go_with_the_picture,
        a_file_that_changes_keeps_its_labels,
    }
    pairs {
        pairs_are_stored_as_given_and_replaced,
        the_checked_key_never_goes_back,
        pairs_go_with_their_pictures_and_need_both,
        new_words_do_not_touch_pairs,
        pictures_of_pairs_and_in_several_files_are_listed,
        a_filter_chooses_pictures_of_pairs_and_in_several_files,
        decisions_hold_for_either_order_and_outlast_a_removal,
        decisions_are_paged_by_key,
    }
    parts {
        a_picture_that_finds_another_file_in_a_later_batch_keeps_all_it_has,
        an_orphan_goes_when_its_folder_is_settled_and_its_heir_inherits,
        labels_pass_through_every_picture_that_a_path_had,
        an_orphan_that_was_claimed_meanwhile_stays,
        the_heir_may_be_gone,
        the_heir_may_be_gone_by_the_end_of_its_batch,
    }
    paths {
        wildcards_and_case_in_a_prefix_are_plain_text,
        pages_follow_one_another,
        the_empty_prefix_is_everything,
        paths_come_by_picture,
    }
    reading {
        batches_answer_in_the_order_asked,
        slices_may_be_longer_than_a_statement_takes,
        the_list_is_newest_first_and_counts_agree,
        keys_ascend_in_pages_with_numbers_of_features,
        keys_ascend_in_the_order_in_which_commits_become_visible,
        words_and_features_come_by_ascending_key_in_pages,
        readers_see_whole_commits_while_a_writer_works,
        a_read_of_several_statements_sees_one_state,
    }
    removed {
        every_way_of_removing_leaves_a_record,
        what_is_forgotten_leaves_the_record_and_nothing_else_does,
        a_picture_added_again_leaves_the_record,
    }
    repairs {
        features_and_words_are_replaced,
        a_forgotten_vector_is_missing_as_if_never_made,
        what_was_just_written_lacks_no_checksum,
    }
    staged {
        staged_words_are_adopted_once_every_picture_has_some,
        staged_words_can_be_discarded,
        words_are_staged_and_adopted_again,
        a_picture_added_after_staging_must_be_staged_too,
        the_last_words_staged_for_a_key_count,
    }
    vectors {
        vectors_are_stored_by_model_and_go_with_their_picture,
        a_vector_and_the_record_that_there_is_none_replace_each_other,
    }
    views {
        views_have_the_keys_after_their_picture,
        few_features_are_few_on_each_page,
        a_picture_counts_once,
        features_and_words_are_those_of_pictures_and_views,
        views_go_with_their_picture_and_their_keys_are_not_used_again,
        staged_words_are_adopted_once_every_view_has_some,
        features_and_words_of_a_view_are_replaced,
        a_picture_that_is_retaken_keeps_all_but_its_key,
        a_retaken_picture_whose_last_file_went_is_removed_under_its_new_key,
    }
}

suite! {$
    /// Makes a `#[test]` of each case that every durable catalogue must pass. The argument is an
    /// expression of type `Fn() -> Box<dyn Catalogue>`, evaluated for each test; its first call creates
    /// a catalogue, the later ones open the same again.
    durable_conformance,
    /// Runs the case with this name of [`crate::durable_conformance`]. Panics if it fails.
    run_durable_case(Make<'_>):
    durable {
        everything_is_there_after_closing_and_opening,
        views_are_there_after_closing_and_opening,
        adopted_words_stay,
        forgotten_ids_and_dropped_vectors_stay_away,
        the_record_of_an_orphan_stays,
    }
}

suite! {$
    /// Makes a `#[test]` of each case that every blob store must pass. The argument is an expression of
    /// type `Fn() -> Box<dyn BlobStore>`, evaluated for each test; each call makes an empty store.
    blob_conformance,
    /// Runs the case with this name of [`crate::blob_conformance`]. Panics if it fails.
    run_blob_case(MakeBlobs<'_>):
    blobs {
        a_blob_is_stored_replaced_and_deleted,
        parts_of_a_blob_are_read,
        the_parts_of_a_name_are_no_blobs,
        names_are_listed_by_folder,
        no_method_takes_a_bad_name,
        readers_see_whole_blobs_while_they_are_replaced,
    }
}
